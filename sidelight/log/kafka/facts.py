"""What a topic is in Kafka: its id, its partitions, the largest batch it takes."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from kafka.admin import ConfigResource, KafkaAdminClient

from sidelight.config.brokers import KafkaAddress
from sidelight.config.settings import LogSettings
from sidelight.errors import ConfigError
from sidelight.log import topics
from sidelight.log.kafka.dialling import dial
from sidelight.log.kafka.failures import missing, translated
from sidelight.log.kafka.times import milliseconds

_UNKNOWN_TOPIC = 3
_LIMIT = "max.message.bytes"


@dataclass(frozen=True, slots=True)
class Facts:
    """`name` is Kafka's; `max_batch_bytes` is None where we may not see the topic's settings."""

    name: str
    topic_id: str
    partitions: int
    max_batch_bytes: int | None

    def check(self, partition: int) -> None:
        if not 0 <= partition < self.partitions:
            raise ValueError(
                f"topic {self.name!r} has no partition {partition}, only {self.partitions}"
            )


class FactsOfTopics:
    """Asks for each topic once."""

    def __init__(self, log: LogSettings) -> None:
        self._log = log
        self._address = KafkaAddress.parse(log.url)
        self._known: dict[str, Facts] = {}
        self._lock = Lock()

    def of(self, topic: str) -> Facts:
        """Raises `LogDenied` when there is no such topic, `ConfigError` when it is not ours."""
        facts = self._known.get(topic)
        if facts is None:
            with self._lock:
                facts = self._known.get(topic) or self._ask(topic)
                self._known[topic] = facts
        return facts

    def forget(self, topic: str) -> None:
        self._known.pop(topic, None)

    def _ask(self, topic: str) -> Facts:
        name = self._address.topic(topic)
        seconds = self._log.kafka.timeout_seconds
        admin = dial(
            KafkaAdminClient, self._log, seconds=seconds, request_timeout_ms=milliseconds(seconds)
        )
        try:
            with translated(f"topic {name!r}"):
                facts = _facts(admin, name)
        finally:
            admin.close()
        self._check_partitions(topic, facts)
        return facts

    def _check_partitions(self, topic: str, facts: Facts) -> None:
        if topic in topics.ALL and facts.partitions != self._log.partitions:
            raise ConfigError(
                f"log.partitions is {self._log.partitions}, topic {facts.name!r} has "
                f"{facts.partitions}; set log.partitions to {facts.partitions}"
            )


def _facts(admin: KafkaAdminClient, name: str) -> Facts:
    from kafka.errors import for_code

    [topic] = admin.describe_topics([name])
    if topic["error_code"] == _UNKNOWN_TOPIC:
        raise missing(f"topic {name!r}")
    if topic["error_code"]:
        raise for_code(topic["error_code"])(name)
    found = admin.describe_configs([ConfigResource("topic", name)], config_filter="all")
    limit = found.get("topic", {}).get(name, {}).get(_LIMIT)
    return Facts(
        name,
        str(topic["topic_id"]),
        len(topic["partitions"]),
        None if limit is None else int(limit["value"]),
    )
