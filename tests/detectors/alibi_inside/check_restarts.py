"""A restart in the middle changes no answer, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidelight.log import Log, Position
from sidelight_detectors.alibi.station import Station
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import Output
from tests.detectors.alibi_inside.at_work import appointed, drained, log_of, worker_on
from tests.detectors.alibi_inside.check_detectors import DRIFT, OUTLIERS
from tests.detectors.traffic import rows

EVERY: dict[str, dict[str, Any]] = {
    **DRIFT,
    **{kind: {"columns": ["age"], "rate": 0.1, **asked} for kind, asked in OUTLIERS.items()},
}


def with_restarts(log: Log, at: Station, steps: int) -> Iterator[Output]:
    """Another process every few steps, each of just more exchanges than fill a batch."""
    while True:
        worker = worker_on(log, at)
        worker.most_records = at.settings.window // 3 + 7
        yield from drained(worker, steps)
        worker.membership.leave()  # type: ignore[attr-defined]
        if not worker.lag:
            return


@pytest.mark.parametrize("kind", EVERY)
def test_answers_are_the_same_with_and_without_restarts(kind: str, tmp_path: Path) -> None:
    window = 150 if kind == "ClassifierDrift" else 30  # It trains anew for every batch.
    at = appointed(tmp_path, type=kind, window=window, **EVERY[kind])
    columns = rows(607, seed=3, shift=0.3)
    whole = [output_record(one) for one in drained(worker_on(log_of(columns, 3), at))]
    cut = [output_record(one) for one in with_restarts(log_of(columns, 3), at, steps=1)]
    assert {one.key: one for one in cut} == {one.key: one for one in whole}
    assert len(whole) >= 5


@pytest.mark.parametrize("kind", ["CVMDriftOnline", "FETDriftOnline"])
def test_every_statistic_is_that_of_alibi_detect_without_us(kind: str, tmp_path: Path) -> None:
    from sidelight_detectors.alibi import building
    from sidelight_detectors.alibi.rowwise import Online
    from sidelight_detectors.alibi.seeding import reseed

    at = appointed(tmp_path, type=kind, window=30, **DRIFT[kind])
    values = at.encoder.encode(rows(400, seed=4, shift=0.2))
    theirs = at.watching(0)._online._outer  # type: ignore[attr-defined]
    expected = []
    for number, row in enumerate(values, 1):
        reseed(0, number)
        expected.append(theirs.predict(row)["data"])
    ours, saved = Online(_copy(at), 0), None
    for number, row in enumerate(values, 1):
        if number % 37 == 0:  # A process that ends and another that begins.
            saved = ours.saved()
            ours = Online(_copy(at), 0)
            ours.restore(saved)
        data = ours.predict(row)
        assert data["test_stat"].tobytes() == expected[number - 1]["test_stat"].tobytes()
        assert data["threshold"].tobytes() == expected[number - 1]["threshold"].tobytes()
        assert data["is_drift"] == expected[number - 1]["is_drift"]
        assert data["time"] == number
    assert saved is not None
    assert building.version()


def _copy(at: Station) -> Any:
    import copy

    return copy.deepcopy(at.detector)


def test_the_state_of_a_row_by_row_detector_stays_small(tmp_path: Path) -> None:
    at = appointed(tmp_path, type="FETDriftOnline", window=500, **DRIFT["FETDriftOnline"])
    log = log_of(rows(3000, seed=5), per_exchange=50)
    worker = worker_on(log, at)
    list(drained(worker, 10))
    early = _note(log, at)
    list(drained(worker))
    late = _note(log, at)
    assert abs(len(late.note) - len(early.note)) < 64
    inner = worker.watching._online._inner  # type: ignore[attr-defined]
    assert len(inner.xs) <= 20
    assert len(inner.test_stats) == 1


def _note(log: Any, at: Station) -> Position:
    position: Position = log._positions[at.group, "inference", 0]
    return position


def test_another_setting_begins_a_new_promise_and_ends_the_old_alarm(tmp_path: Path) -> None:
    log = log_of(rows(100, seed=2, shift=2.0))
    before = worker_on(log, appointed(tmp_path, type="KSDrift", window=50))
    list(drained(before))
    before.membership.leave()  # type: ignore[attr-defined]
    from sidelight.log.topics import INFERENCE
    from tests.detectors.traffic import traffic

    log.append(INFERENCE, traffic(rows(60, seed=6), first=100))
    after = worker_on(log, appointed(tmp_path, type="KSDrift", window=40))
    said = list(drained(after))
    assert [type(one).__name__ for one in said] == ["Alarm", "PromiseResult", "WindowResult"]


def test_who_is_too_far_behind_skips_the_older_half_and_counts_it(tmp_path: Path) -> None:
    at = appointed(tmp_path, type="KSDrift", window=20, max_lag=100)
    worker = worker_on(log_of(rows(500, seed=2)), at)
    said = list(drained(worker))
    assert worker.feed.counts["skipped"] == 450
    assert len(said) == 1 + 2


def test_a_sample_is_the_same_exchanges_whoever_reads(tmp_path: Path) -> None:
    at = appointed(tmp_path, type="KSDrift", window=20, sample=0.25)
    one, other = (worker_on(log_of(rows(400, seed=2)), at) for _ in range(2))
    assert [a.id for a in drained(one)] == [a.id for a in drained(other)]
    assert 60 < one.feed.counts["rows"] < 140
