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

_SHAPES = "write http://HOST/PATH, kafka://HOST:PORT/TOPIC, file:///FOLDER or s3://BUCKET/PREFIX"


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
    url = (*key, "url")
    if not is_kafka(sink.url):
        parts = urlsplit(sink.url)
        needs_host = parts.scheme not in ("file", "memory")
        if not parts.scheme or (needs_host and not parts.hostname):
            yield url, f"{dotted(url)}: {_SHAPES}"
        return
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
