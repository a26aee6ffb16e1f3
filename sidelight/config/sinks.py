"""What is wrong with the logger's sink, and with the store for large bodies."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from sidelight.config.brokers import KafkaAddress, is_kafka
from sidelight.config.fields import Key
from sidelight.config.kafka import kafka_faults
from sidelight.config.settings import LogSettings, Settings, SinkSettings

_SINK: Key = ("logger", "sink")
_URL: Key = (*_SINK, "url")


def sink_faults(settings: Settings) -> Iterator[tuple[Key, str]]:
    """All that is wrong, each at the setting that is best put right."""
    if settings.logger.sink is not None:
        yield from _of_sink(settings.logger.sink)
    store = settings.log.store
    if store is not None and "://" not in store:
        yield (
            ("log", "store"),
            f"log.store is {store!r}; write file:///FOLDER or s3://BUCKET/PREFIX",
        )


def _of_sink(sink: SinkSettings) -> Iterator[tuple[Key, str]]:
    if not is_kafka(sink.url):
        parts = urlsplit(sink.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            yield _URL, "logger.sink.url: write http://HOST/PATH or kafka://HOST:PORT/TOPIC"
        return
    wrong = list(kafka_faults(LogSettings(url=sink.url, kafka=sink.kafka)))
    for key, message in wrong:
        yield (*_SINK, *key[1:]), said_of_the_sink(message)
    if not wrong and not KafkaAddress.parse(sink.url).prefix:
        yield _URL, f"logger.sink.url is {sink.url!r} and names no topic; write it behind a /"


def said_of_the_sink(message: str) -> str:
    """What is said of the log's settings, of the sink's: the same below another name."""
    for name in ("url", "kafka"):
        message = message.replace(f"log.{name}", f"logger.sink.{name}")
    return message
