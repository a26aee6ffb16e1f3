"""A partition that stands still though there is something to read is told of and joined anew."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log import Stored
from sidelight.log.testing import MemoryLog, SharingLog, SharingMembership
from sidelight.log.topics import INFERENCE
from sidelight.log.watchdog import Watchdog
from sidelight_detectors.service.detectors import Detectors
from sidelight_detectors.service.group_metrics import GroupCollector
from sidelight_detectors.service.metrics import ScorerMetrics
from sidelight_detectors.streaming.cutter import Clock
from tests.detectors.traffic import MODEL, plan, rows, traffic
from tests.detectors.watching import panes_of


class Stalling(SharingLog):
    """Its readers of one partition get nothing until the consumer has joined again."""

    joined = 0

    def join(  # type: ignore[override]
        self, group: str, topic: str, *, wait_seconds: float = 0.0
    ) -> SharingMembership:
        self.joined += topic == INFERENCE
        return super().join(group, topic)

    def read(self, topic: str, partition: int, offset: int, **limits: Any) -> list[Stored]:
        if topic == INFERENCE and partition == 1 and self.joined < 2:
            return []
        return super().read(topic, partition, offset, max_records=1000)


class Service:
    """The service on a clock that a test moves."""

    def __init__(self, log: MemoryLog) -> None:
        self.seconds = 0.0
        self.registry = CollectorRegistry()
        clock = Clock(lambda: self.seconds, lambda: 0)
        metrics = ScorerMetrics(CollectorRegistry(), [])
        stop, settings = threading.Event(), DetectorsSettings()
        self.detectors = Detectors(log, {MODEL: plan()}, settings, metrics, stop, clock)
        self.registry.register(GroupCollector([self.detectors.scorers, self.detectors.deciders]))

    def work(self, seconds: float) -> None:
        """A round every second."""
        for _ in range(round(seconds)):
            self.seconds += 1.0
            self.detectors.step()

    def stalled(self, partition: int) -> float | None:
        labels = {"group": "scorer", "partition": str(partition)}
        return self.registry.get_sample_value("sidelight_partition_stalled", labels)


def test_a_reader_that_stands_still_is_told_of_and_replaced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = Stalling(2)
    log.append(INFERENCE, traffic(rows(40, 1)))
    service = Service(log)
    service.work(29)
    assert (log.joined, service.stalled(1)) == (1, 0.0)
    service.work(6)
    assert log.joined == 2
    assert "stand still" in capsys.readouterr().out
    service.work(10)
    assert (service.stalled(0), service.stalled(1)) == (0.0, 0.0)
    assert sum(pane.rows for pane in panes_of(log)) == 40


def test_while_it_stands_still_a_metric_says_so() -> None:
    log = Stalling(2)
    log.append(INFERENCE, traffic(rows(40, 1)))
    log.joined = -10
    service = Service(log)
    service.work(40)
    assert (service.stalled(0), service.stalled(1)) == (0.0, 1.0)


def test_who_has_read_everything_stands_still_in_peace() -> None:
    log = Stalling(2)
    log.append(INFERENCE, traffic(rows(40, 1)))
    log.joined = 1
    Service(log).work(200)
    assert log.joined == 2


def test_a_place_that_no_reader_gets_beyond_is_told_of_less_and_less() -> None:
    log, now = MemoryLog(), 0.0
    log.append(INFERENCE, traffic(rows(5, 1)))
    dog, told = Watchdog(log, INFERENCE, 30.0, lambda: now), []
    for second in range(300):
        now = float(second)
        told += [second] * len(dog.look({0: 3}))
    assert len(told) == 3
    assert told[1] - told[0] >= 60
    assert told[2] - told[1] >= 120
    now = 400.0
    dog.look({0: 5})
    assert dog.stalled == frozenset()
