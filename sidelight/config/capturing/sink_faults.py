"""What is wrong with the logger's sinks, and with the store for large bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlsplit

from sidelight.config.brokers import KafkaAddress, is_kafka
from sidelight.config.capturing.sinks import SinkSettings
from sidelight.config.fields import Key, dotted
from sidelight.config.kafka import kafka_faults
from sidelight.config.settings import LogSettings, Settings

RESERVED = "log"
"""The name of the way to a log on Kafka, in metrics and in the command's processes."""
BUCKETS = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "abfss", "az"), "adlfs"),
}
"""Schemes of buckets, and the package by which fsspec speaks each."""
_POSTED = ("http", "https", "otlp+http", "otlp+https")
_LOCAL = ("file", "memory")
_SHAPES = (
    "write http://HOST/PATH, kafka://HOST:PORT/TOPIC, file:///FOLDER, s3://BUCKET/PREFIX (gs://, "
    "abfs:// likewise) or otlp+http://HOST:4318/v1/traces"
)


def sink_faults(settings: Settings) -> Iterator[tuple[Key, str]]:
    """All that is wrong, each at the setting that is best put right."""
    for name, sink in settings.logger.sinks.items():
        yield from _of_sink(("logger", "sinks", name), sink)
    store = settings.log.store
    if store is not None and "://" not in store:
        yield (
            ("log", "store"),
            f"log.store is {store!r}; write file:///FOLDER or s3://BUCKET/PREFIX",
        )


def _of_sink(key: Key, sink: SinkSettings) -> Iterator[tuple[Key, str]]:
    if key[-1] == RESERVED:
        yield key, f"{dotted(key)}: {RESERVED!r} is the log's own name; choose another"
    if is_kafka(sink.url):
        yield from _of_topic(key, sink)
    elif (complaint := _of_url(sink.url)) is not None:
        yield (*key, "url"), f"{dotted((*key, 'url'))}: {complaint}; {_SHAPES}"
    if sink.form == "exchange" and "connections" in sink.model_fields_set and sink.connections > 1:
        place = (*key, "connections")
        yield (
            place,
            f"{dotted(place)} is {sink.connections}, but exchanges of form exchange go one after"
            " the other; leave it out or choose form: kserve",
        )


def _of_url(url: str) -> str | None:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return f"{url!r} has no scheme"
    if scheme not in (*_POSTED, *_LOCAL, *BUCKETS):
        return f"there is no sink of the kind {scheme!r}"
    if scheme == "file":
        return None if rest.startswith("/") else f"{url!r} does not begin at the root"
    if scheme not in _LOCAL and not urlsplit(url).hostname:
        return f"{url!r} names no host or bucket"
    if scheme.startswith("otlp+") and urlsplit(url).path in ("", "/"):
        return f"{url!r} names no path, which collectors have at /v1/traces"
    return None


def _of_topic(key: Key, sink: SinkSettings) -> Iterator[tuple[Key, str]]:
    url = (*key, "url")
    said = said_of(key)
    wrong = list(kafka_faults(LogSettings(url=sink.url, kafka=sink.kafka)))
    for at, message in wrong:
        yield (*key, *at[1:]), said(message)
    if not wrong and not KafkaAddress.parse(sink.url).prefix:
        yield url, f"{dotted(url)} is {sink.url!r} and names no topic; write it behind a /"


def said_of(key: Key) -> Callable[[str], str]:
    """What is said of the log's settings, of a sink's: the same below another name."""
    return partial(_renamed, dotted(key))


def _renamed(place: str, message: str) -> str:
    for name in ("url", "kafka"):
        message = message.replace(f"log.{name}", f"{place}.{name}")
    return message
