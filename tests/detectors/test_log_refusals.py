"""The service waits out a log that refuses, and stops when another took over."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.errors import Fenced, LogFull
from sidelight.log import Address, Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE, PANES, RESULTS
from sidelight_detectors.service.detectors import Detectors
from sidelight_detectors.service.metrics import ScorerMetrics
from sidelight_detectors.streaming.scorer import GROUP
from tests.detectors.traffic import MODEL, plan, rows, traffic
from tests.detectors.watching import panes_of, records_of


class Full(MemoryLog):
    """Refuses the appends that `refusals` counts, then stops the service once all is said."""

    refusals = 0
    expected = 0
    stop = threading.Event()

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        if topic in (PANES, RESULTS) and self.refusals:
            self.refusals -= 1
            raise LogFull("no space left")
        addresses = super().append(topic, records, partition=partition)
        if topic == PANES and sum(pane.rows for pane in panes_of(self)) >= self.expected:
            self.stop.set()
        return addresses


def detectors(log: Full) -> Detectors:
    metrics = ScorerMetrics(CollectorRegistry(), [MODEL])
    return Detectors(log, {MODEL: plan()}, DetectorsSettings(run_rows=50), metrics, log.stop)


@pytest.mark.parametrize("refusals", [1, 2, 3])
def test_a_full_disk_delays_and_loses_nothing(
    refusals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidelight_detectors.service.detectors.RETRY_SECONDS", 0.01)
    log = Full()
    log.stop = threading.Event()
    log.append(INFERENCE, traffic(rows(300, 1)))
    log.expected, log.refusals = 300, refusals
    detectors(log).run()
    assert [pane.rows for pane in panes_of(log)] == [50] * 6
    keys = [record.key for record in records_of(log, RESULTS)]
    assert len(keys) == len(set(keys)) > 3


def test_a_refusal_that_is_met_at_every_try_is_told_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sidelight_detectors.service.detectors.RETRY_SECONDS", 0.01)
    log = Full()
    log.stop = threading.Event()
    log.append(INFERENCE, traffic(rows(300, 1)))
    log.expected, log.refusals = 300, 5
    with capture_logs() as told:
        detectors(log).run()
    assert log.refusals == 0
    assert [one["error"] for one in told if one["log_level"] == "error"] == ["no space left"]


class Asked(Full):
    """Asks the service whether it is ready whenever it refuses an append."""

    service: Detectors
    answers: list[str]

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        if topic == PANES and self.refusals:
            self.answers.append(self.service.readiness.text)
        return super().append(topic, records, partition=partition)


def test_a_log_that_refuses_again_is_told_by_readiness_while_it_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sidelight_detectors.service.detectors.RETRY_SECONDS", 0.01)
    log = Asked()
    log.answers = []
    log.stop = threading.Event()
    log.append(INFERENCE, traffic(rows(300, 1)))
    log.expected, log.refusals = 300, 3
    log.service = detectors(log)
    log.service.run()
    assert log.answers[1:] == ["no space left", "no space left"]
    assert log.service.readiness.is_ready


def test_a_service_that_was_replaced_ends() -> None:
    log = Full()
    log.stop = threading.Event()
    log.expected = 10_000
    log.append(INFERENCE, traffic(rows(60, 1)))
    replaced = detectors(log)
    join = log.join

    def joined_and_replaced(group: str, topic: str, *, wait_seconds: float = 0.0) -> object:
        member = join(group, topic, wait_seconds=wait_seconds)
        if group == GROUP:
            member.leave()
        return member

    log.join = joined_and_replaced  # type: ignore[method-assign, assignment]
    with pytest.raises(Fenced):
        replaced.run()
    assert panes_of(log) == []
