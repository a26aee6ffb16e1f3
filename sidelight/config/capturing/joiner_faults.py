"""What is wrong with the foreign topic that the joiner is to read."""

from __future__ import annotations

from collections.abc import Iterator

from sidelight.config.brokers import KafkaAddress, is_kafka
from sidelight.config.fields import Key
from sidelight.config.kafka import kafka_faults
from sidelight.config.settings import LogSettings, Settings

_SOURCE: Key = ("joiner", "source")


def joiner_faults(settings: Settings) -> Iterator[tuple[Key, str]]:
    """All that is wrong, each at the setting that is best put right."""
    source, kafka = settings.joiner.source, settings.joiner.kafka
    if source is None:
        return
    if not is_kafka(source):
        yield _SOURCE, f"joiner.source is {source!r}; write kafka://HOST:PORT,HOST:PORT/TOPIC"
        return
    where = "log" if kafka is None else "joiner"
    wrong = list(kafka_faults(LogSettings(url=source, kafka=kafka or settings.log.kafka)))
    for key, message in wrong:
        at = _SOURCE if key[1] == "url" else (where, *key[1:])
        told = message.replace("log.url", "joiner.source").replace("log.kafka", f"{where}.kafka")
        yield at, told
    if not wrong and not KafkaAddress.parse(source).prefix:
        yield _SOURCE, f"joiner.source is {source!r} and names no topic; write it behind a /"
