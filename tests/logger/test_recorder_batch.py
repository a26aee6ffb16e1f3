"""Batches: appended by count, bytes or time; what a full log refuses is dropped and counted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from sidelight.errors import LogError, LogFull
from sidelight.log import topics
from sidelight.log.contract import Address, Log, Record
from sidelight_logger.metrics.recorder import RecorderMetrics
from sidelight_logger.recorder.batch import Batch, BatchLimits
from sidelight_logger.recorder.sequence import recorder_id, sequence
from tests.logger.captures import sample


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Refusing:
    """A writer without space, or broken."""

    def __init__(self, error: LogError) -> None:
        self._error = error

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        raise self._error


def test_a_batch_waits_until_its_time_is_up(log: Log) -> None:
    clock = Clock()
    metrics = RecorderMetrics(CollectorRegistry())
    batch = Batch(log, metrics, BatchLimits(seconds=0.01), clock)
    assert batch.seconds_left() is None
    batch.add(Record(b"1"))
    clock.now += 0.004
    batch.add(Record(b"2"))
    assert batch.seconds_left() == pytest.approx(0.006)
    clock.now += 1
    assert batch.seconds_left() == 0.0
    batch.append()
    assert batch.seconds_left() is None
    assert log.span(topics.INFERENCE, 0).end == 2


def test_a_batch_is_full_by_count_or_by_bytes(log: Log) -> None:
    metrics = RecorderMetrics(CollectorRegistry())
    batch = Batch(log, metrics, BatchLimits(records=2, bytes=10))
    batch.add(Record(b"1"))
    assert not batch.is_full
    batch.add(Record(b"2"))
    assert batch.is_full
    batch.append()
    batch.add(Record(b"x" * 10))
    assert batch.is_full


def test_a_full_log_costs_the_batch_counted_and_nothing_more() -> None:
    registry = CollectorRegistry()
    batch = Batch(Refusing(LogFull("no space")), RecorderMetrics(registry))
    for _ in range(3):
        batch.add(Record(b"x"))
    batch.append()
    assert len(batch) == 0
    assert sample(registry, "recorder_dropped_total", reason="log_full") == 3
    assert sample(registry, "exchanges_recorded_total") == 0


def test_a_broken_log_ends_the_recorder() -> None:
    batch = Batch(Refusing(LogError("I/O error")), RecorderMetrics(CollectorRegistry()))
    batch.add(Record(b"x"))
    with pytest.raises(LogError, match="I/O error"):
        batch.append()


def test_two_recorders_of_one_log_number_apart() -> None:
    assert recorder_id("a.db", "127.0.0.1:1") == recorder_id("a.db", "127.0.0.1:1")
    assert recorder_id("a.db", "127.0.0.1:1") != recorder_id("a.db", "127.0.0.1:2")


def test_numbers_begin_at_the_clock_and_grow(log: Log) -> None:
    numbers = sequence(log, "me", lambda: 1000)
    assert [numbers() for _ in range(3)] == [1000, 1001, 1002]
