"""Joining a consumer group: the two clients of a member, and its first claims."""

from __future__ import annotations

from contextlib import ExitStack

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from sidelight.config.settings import LogSettings
from sidelight.log.kafka.dialling import dial
from sidelight.log.kafka.facts import Facts
from sidelight.log.kafka.membership import KafkaMembership
from sidelight.log.kafka.notebook import Notebook
from sidelight.log.kafka.times import milliseconds

_HEARTBEAT_SECONDS = 0.5
"""In the answer to a heartbeat a consumer learns that partitions are to change hands."""
_STEP_SECONDS = 120.0
"""A consumer that does not ask for its claims for so long is taken for stuck."""
_GATHER_SECONDS = 5.0
"""Longer than the three seconds that brokers give a new group to gather."""


def join(
    log: LogSettings, group: str, topic: Facts, notebook: Notebook, wait_seconds: float
) -> KafkaMembership:
    """Become a consumer of Kafka's group of that name."""
    seconds = log.kafka.timeout_seconds
    with ExitStack() as opened:
        consumer = _consumer(log, group)
        opened.callback(consumer.close, autocommit=False, timeout_ms=0)
        lookup = _consumer(log, group)
        opened.callback(lookup.close, autocommit=False, timeout_ms=0)
        member = KafkaMembership(consumer, lookup, group, topic, notebook, seconds)
        member.enter(max(wait_seconds, min(_GATHER_SECONDS, seconds)))
        opened.pop_all()
    return member


def _consumer(log: LogSettings, group: str) -> KafkaConsumer:
    seconds, session = log.kafka.timeout_seconds, log.kafka.session_seconds
    return dial(
        KafkaConsumer,
        log,
        seconds=seconds,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        allow_auto_create_topics=False,
        partition_assignment_strategy=[CooperativeStickyAssignor],
        session_timeout_ms=milliseconds(session),
        heartbeat_interval_ms=milliseconds(min(_HEARTBEAT_SECONDS, session / 4)),
        max_poll_interval_ms=milliseconds(_STEP_SECONDS),
        request_timeout_ms=milliseconds(seconds),
        fetch_max_wait_ms=milliseconds(min(0.5, seconds / 2)),
        metrics_enabled=False,
    )
