"""What the topics of a log on Kafka should be, from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidelight.config.brokers import KafkaAddress
from sidelight.config.settings import LogSettings
from sidelight.log import topics

MAX_RECORD_BYTES = 16 << 20
"""Of a batch, compressed: two bodies of `logger.max_body`'s default, and room."""

_HOUR_MS = 3_600_000
_LARGEST_SEGMENT = (1 << 31) - 1
_KEEP_FOR_EVER = "-1"


@dataclass(frozen=True)
class TopicPlan:
    """A topic as it should be; `configs` as Kafka writes them."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]


def plans(log: LogSettings) -> tuple[TopicPlan, ...]:
    """Every topic of the log, under its prefix."""
    address = KafkaAddress.parse(log.url)
    return tuple(
        TopicPlan(address.topic(topic), log.partitions, log.kafka.replication, _configs(log, topic))
        for topic in topics.ALL
    )


def _configs(log: LogSettings, topic: str) -> dict[str, str]:
    kept = _COMPACTED if topic == topics.STATE else _retained(log)
    return {
        **kept,
        # Offsets are found by when a record was appended, and no producer's clock decides that.
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(MAX_RECORD_BYTES),
        # With three copies a broker may be lost and what was acknowledged is still there.
        "min.insync.replicas": "2" if log.kafka.replication > 2 else "1",
    }


def _retained(log: LogSettings) -> dict[str, str]:
    seconds = log.retain_seconds
    return {
        "cleanup.policy": "delete",
        "retention.bytes": str(log.retain_bytes),
        "retention.ms": _KEEP_FOR_EVER if seconds is None else str(int(seconds * 1000)),
        # A segment must have room for the largest batch.
        "segment.bytes": str(min(max(log.segment_bytes, MAX_RECORD_BYTES), _LARGEST_SEGMENT)),
    }


_COMPACTED = {
    "cleanup.policy": "compact",
    # Who reads a snapshot's records one by one has an hour before older ones go.
    "min.compaction.lag.ms": str(_HOUR_MS),
    # Only closed segments are compacted.
    "segment.ms": str(_HOUR_MS),
}
