"""Traffic that is not scored is told of, now and then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.errors import ConfigError
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight_detectors.service.complaints import EVERY_SECONDS, Complaints
from sidelight_detectors.service.planning import told_apart
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.run import Run
from sidelight_detectors.streaming.scorer import GROUP, PartitionScorer
from tests.detectors.traffic import MODEL, json_body, plan, record, rows
from tests.detectors.watching import Alone


def bad_run(log: MemoryLog) -> Run:
    log.append(INFERENCE, [record(rows(1, 1), model="stranger")])
    log.append(INFERENCE, [record(rows(1, 2), response=json_body({"outputs": 3}))])
    member = log.join(GROUP, INFERENCE)
    scorer = PartitionScorer(log, member, 0, {MODEL: plan()}, DetectorsSettings(), Clock())
    alone = Alone(log, member, scorer)
    alone.poll()
    run = alone.poll() or alone.close()
    assert run is not None
    return run


def test_what_is_not_scored_is_told_once_and_then_counted() -> None:
    now = [0.0]
    complaints = Complaints([MODEL], lambda: now[0])
    run = bad_run(MemoryLog())
    with capture_logs() as told:
        for _ in range(3):
            complaints.hear(run)
        now[0] = EVERY_SECONDS
        complaints.hear(run)

    dead, unknown, dead_later, unknown_later = told
    assert dead["malformed"] == 1
    assert dead["exchange"] == "inference/0/1"
    assert unknown["configured"] == [MODEL]
    assert dead_later["malformed"] == unknown_later["exchanges"] == 3


def test_two_models_of_one_name_at_their_servers_are_refused() -> None:
    plans = {name: replace(plan(model=name), served_as="credit") for name in ("a", "b")}
    with pytest.raises(ConfigError, match=r"models\.b\.predictor\.name: 'credit'"):
        told_apart(plans)
