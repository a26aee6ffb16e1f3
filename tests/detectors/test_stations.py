"""What has a consumer group of its own: budgets, a predictor that is away, starting again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, NotEnoughData, PredictorError
from sidelight.events.exchanges import to_record
from sidelight.log import Address
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight.predictors.testing import FunctionPredictor
from sidelight.probes import ProbeKey
from sidelight.tensors import Columns
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import OutlierResult, Output, PromiseResult
from sidelight_detectors.squeezing.calibrating import LEAST, MAX_VERSIONS, Calibrations
from sidelight_detectors.squeezing.station import SqueezingStation, squeezing_station
from sidelight_detectors.stations.asking import MOST_FAILURES
from sidelight_detectors.stations.batch import Batch, some_of
from sidelight_detectors.stations.budget import Budget
from sidelight_detectors.stations.contract import Station
from sidelight_detectors.stations.place import Place
from sidelight_detectors.stations.worker import StationWorker
from sidelight_detectors.streaming.cutter import Clock
from tests.detectors.traffic import MODEL, START_NS, exchange, json_body, record, rows, traffic


class Time:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def jumpy(rows: Columns) -> Columns:
    """A model with a cliff: who is 100.5 to 101 gets another answer than all around."""
    age = rows["age"].values.astype(float)
    score = np.where((age > 100.5) & (age < 101), 1.0, 0.25)
    return Columns(Columns.of(score=score).columns, {"model_version": "3"})


def station(
    folder: Path,
    model: Callable[[Columns], Columns] = jumpy,
    time: Callable[[], float] | None = None,
    partitions: int = 1,
    reference: Columns | None = None,
    **asked: Any,
) -> SqueezingStation:
    table = rows(200, seed=1) if reference is None else reference
    saved = pa.table({column.name: column.values.tolist() for column in table})
    pyarrow.parquet.write_table(saved, folder / "reference.parquet")
    settings = ModelSettings.model_validate(
        {
            "reference": folder / "reference.parquet",
            "features": {"age": "numeric", "sex": {"categories": ["f", "m"]}},
            "detectors": {"squeezing": {"rate": 0.02, "max_rows_per_minute": 100_000, **asked}},
        }
    )
    place = Place(partitions, clock=time or Time())
    return squeezing_station(MODEL, settings, FunctionPredictor(model), place)


def worker_on(log: MemoryLog, at: Station, time: Callable[[], float]) -> StationWorker:
    """Takes the place of whoever held the group."""
    if at.group in log._members:
        log._members[at.group].leave()
    return StationWorker(log, log.join(at.group, INFERENCE), 0, at, Clock(monotonic=time))


def drained(worker: StationWorker, time: Time) -> Iterator[Output]:
    """What it says until nothing is left to read; a minute passes at each step."""
    for _ in range(1000):
        time.now += 60.0
        yield from worker.step(0.0)
        if not worker.lag and worker.position is not None:
            return


def _strange(count: int = 1) -> Columns:
    return Columns.of(age=[100.75] * count, sex=["f"] * count, score=[1.0] * count)


def test_a_row_whose_answer_does_not_stand_is_flagged_and_no_other(tmp_path: Path) -> None:
    log, time = MemoryLog(), Time()
    log.append(INFERENCE, traffic(rows(50, seed=2)))
    log.append(INFERENCE, traffic(_strange(), first=50))
    log.append(INFERENCE, traffic(rows(50, seed=3), first=51))
    said = list(drained(worker_on(log, station(tmp_path, time=time), time), time))
    begun, flagged = said
    assert isinstance(begun, PromiseResult)
    assert isinstance(flagged, OutlierResult)
    assert (flagged.address.offset, flagged.row, flagged.about.version) == (50, 0, "3")
    assert flagged.score == 0.75 / LEAST
    assert flagged.p_value == 1 / 51
    assert dict(flagged.contributions) == {"quantiles-8": 750.0, "quantiles-32": 750.0}
    assert flagged.time_ns == START_NS + 50 * 1_000_000_000
    assert output_of(output_record(flagged)) == flagged


def test_of_ordinary_rows_no_more_than_the_rate_is_flagged(tmp_path: Path) -> None:
    def noisy(rows: Columns) -> Columns:
        return Columns.of(score=np.sin(1e3 * rows["age"].values) ** 2)

    log, time = MemoryLog(), Time()
    log.append(INFERENCE, traffic(rows(2000, seed=2), per_exchange=50))
    at = station(tmp_path, noisy, time, rate=0.1, reference=rows(2000, seed=5), calibration=800)
    worker = worker_on(log, at, time)
    flagged = sum(isinstance(one, OutlierResult) for one in drained(worker, time))
    # 0.1 on average over references; of this one the rate is Beta(40, 361), and 2000 rows vary.
    assert 120 <= flagged <= 280
    assert worker.watching.counts["flagged"] == flagged


class Moody:
    """Answers when it is in the mood; it counts what it was asked."""

    def __init__(self) -> None:
        self.error: PredictorError | None = None
        self.rows = 0

    def __call__(self, rows: Columns) -> Columns:
        if self.error is not None:
            raise self.error
        self.rows += len(rows)
        return jumpy(rows)


def test_rows_wait_for_a_predictor_that_is_away_and_are_not_blamed(tmp_path: Path) -> None:
    moody, log, time = Moody(), MemoryLog(), Time()
    worker = worker_on(log, station(tmp_path, moody, time), time)
    log.append(INFERENCE, traffic(rows(10, seed=2)))
    list(drained(worker, time))
    moody.error = PredictorError("refused")
    log.append(INFERENCE, traffic(_strange(), first=10))
    assert not worker.step(0.0)
    assert worker.rests
    assert worker.position is None  # No watchdog takes it for a reader that hangs.
    assert worker.counts["failed"] == 1
    before = moody.rows
    for _ in range(20):  # Asked again after 1, 2, 4, 8, 16 seconds.
        time.now += 1.0
        assert not worker.step(0.0)
    assert worker.counts["failed"] == 5
    moody.error = None
    time.now += 60.0
    (flagged,) = worker.step(0.0)
    assert isinstance(flagged, OutlierResult)
    assert flagged.address.offset == 10
    assert moody.rows == before + 3
    assert not worker.rests


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_question_that_is_refused_is_counted_and_not_asked_for_ever(
    tmp_path: Path, status: int
) -> None:
    moody, log, time = Moody(), MemoryLog(), Time()
    worker = worker_on(log, station(tmp_path, moody, time), time)
    log.append(INFERENCE, traffic(rows(5, seed=2)))
    list(drained(worker, time))
    moody.error = PredictorError("no", status=status)
    log.append(INFERENCE, traffic(rows(3, seed=3), first=5))
    assert not list(drained(worker, time))
    assert worker.watching.counts["unjudged"] == 3
    assert worker.lag == 0


def test_killed_while_the_predictor_is_away_the_next_one_says_it(tmp_path: Path) -> None:
    moody, log, time = Moody(), MemoryLog(), Time()
    at = station(tmp_path, moody, time)
    log.append(INFERENCE, traffic(rows(5, seed=2)))
    first = worker_on(log, at, time)
    list(drained(first, time))
    moody.error = PredictorError("refused")
    log.append(INFERENCE, traffic(_strange(), first=5))
    time.now += 60.0
    first.step(0.0)
    first.close()
    moody.error = None
    asked = moody.rows
    second = worker_on(log, station(tmp_path, moody, time), time)
    said = [one for one in drained(second, time) if isinstance(one, OutlierResult)]
    assert [one.address.offset for one in said] == [5]
    assert moody.rows == asked + 3  # What calibrated the first one was kept.


def test_a_new_version_is_calibrated_before_it_is_judged(tmp_path: Path) -> None:
    said = {"model_version": "3"}

    def model(rows: Columns) -> Columns:
        return Columns(jumpy(rows).columns, dict(said))

    log, time = MemoryLog(), Time()
    at = station(tmp_path, model, time)
    worker = worker_on(log, at, time)
    log.append(INFERENCE, traffic(rows(5, seed=2)))
    list(drained(worker, time))
    said["model_version"] = "4"
    log.append(INFERENCE, traffic(_strange(2), first=5))
    flagged = [one for one in drained(worker, time) if isinstance(one, OutlierResult)]
    assert [one.about.version for one in flagged] == ["4"]  # The first was what told of it.
    assert worker.watching.counts["unjudged"] == 1
    assert at.calibrations.of("3") is not None


def test_what_the_budget_does_not_afford_is_left_out_and_counted(tmp_path: Path) -> None:
    moody, log, time = Moody(), MemoryLog(), Time()
    worker = worker_on(log, station(tmp_path, moody, time, max_rows_per_minute=600), time)
    log.append(INFERENCE, traffic(rows(1000, seed=2), per_exchange=10))
    time.now += 600.0
    spent = []
    for _ in range(120):
        before = moody.rows
        worker.step(0.0)
        spent.append(moody.rows - before)
        time.now += 1.0
    for begin in range(60):
        assert sum(spent[begin : begin + 60]) <= 600
    counts = worker.watching.counts
    assert counts["unafforded"] > 500
    assert counts["asked"] == moody.rows


@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), max_size=60),
    st.integers(100, 2000),
)
def test_in_no_minute_more_is_spent_than_the_budget(
    questions: list[tuple[float, int]], rows: int
) -> None:
    time = Time()
    budget = Budget(rows, 50, time)
    spent: list[tuple[float, int]] = []
    for pause, wanted in questions:
        time.now += pause
        if budget.affords >= wanted:
            budget.spend(wanted)
            spent.append((time.now, wanted))
    for begin, _ in spent:
        assert sum(count for at, count in spent if begin <= at < begin + 60) <= rows


def test_partitions_share_the_budget_and_one_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"squeezing: max_rows_per_minute 100 .* at least 192"):
        station(tmp_path, partitions=32, max_rows_per_minute=100)


def test_a_reference_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match=r"detectors\.squeezing: .* has 39 rows"):
        station(tmp_path, reference=rows(39, seed=1))


def test_rows_of_a_large_exchange_are_drawn_alike_after_a_restart() -> None:
    numbers = np.arange(100)
    batch = Batch(Columns.of(x=numbers), np.full(100, 7), numbers, numbers)
    drawn = [some_of(batch, 10).numbers.tolist() for _ in range(2)]
    assert drawn[0] == drawn[1] == sorted(drawn[0])
    assert len(set(drawn[0])) == 10
    assert drawn[0] != list(range(10))
    assert some_of(batch, 100) is batch


def test_our_own_questions_are_not_asked_about_again(tmp_path: Path) -> None:
    key = ProbeKey(b"sixteen and more")
    moody, log, time = Moody(), MemoryLog(), Time()
    at = station(tmp_path, moody, time)
    at.watched = type(at.watched)(**{**_fields(at.watched), "probes": key})
    plain = exchange(_strange(), 1)
    body = plain.request
    mark = key.header("squeeze", body.content, plain.time_ns)
    log.append(INFERENCE, [record(_strange(), 0), record(_strange(), 1, purpose=mark)])
    said = [
        one for one in drained(worker_on(log, at, time), time) if isinstance(one, OutlierResult)
    ]
    assert [one.address.offset for one in said] == [0]


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def test_answers_of_classes_count_as_certain(tmp_path: Path) -> None:
    def label(rows: Columns) -> Columns:
        return Columns.of(answer=np.where(jumpy(rows)["score"].values > 0.5, "yes", "no"))

    log, time = MemoryLog(), Time()
    log.append(INFERENCE, traffic(_strange(1)))
    said = list(drained(worker_on(log, station(tmp_path, label, time), time), time))
    (flagged,) = [one for one in said if isinstance(one, OutlierResult)]
    assert flagged.score == 2.0 / LEAST


def _sent(age: dict[str, Any], number: int) -> Any:
    sex = {"name": "sex", "shape": [1], "datatype": "BYTES", "data": ["f"]}
    asked = {"inputs": [{"name": "age", "shape": [1], **age}, sex]}
    return to_record(exchange(rows(1, 1), number, request=json_body(asked)))


def test_a_row_that_no_model_should_take_stops_no_station(tmp_path: Path) -> None:
    def lenient(rows: Columns) -> Columns:
        return jumpy(rows) if rows["age"].kind != "string" else Columns.of(score=[0.5] * len(rows))

    log, time = MemoryLog(), Time()
    worker = worker_on(log, station(tmp_path, lenient, time), time)
    log.append(INFERENCE, [_sent({"datatype": "BYTES", "data": ["abc"]}, 0)])
    log.append(INFERENCE, traffic(_strange(), first=1))
    flagged = [one for one in drained(worker, time) if isinstance(one, OutlierResult)]
    assert [one.address.offset for one in flagged] == [1]
    assert worker.watching.counts["unjudged"] == 1


def test_what_breaks_a_detector_costs_one_batch(tmp_path: Path) -> None:
    def fragile(rows: Columns) -> Columns:
        if (rows["age"].values == 13).any():
            raise RuntimeError("a bug")
        return jumpy(rows)

    log, time = MemoryLog(), Time()
    worker = worker_on(log, station(tmp_path, fragile, time), time)
    log.append(INFERENCE, [_sent({"datatype": "FP64", "data": [13.0]}, 0)])
    log.append(INFERENCE, traffic(_strange(), first=1))
    flagged = [one for one in drained(worker, time) if isinstance(one, OutlierResult)]
    assert [one.address.offset for one in flagged] == [1]
    assert worker.counts["broken"] == 1


def test_a_row_that_the_model_never_answers_holds_up_no_other(tmp_path: Path) -> None:
    def choking(rows: Columns) -> Columns:
        if (rows["age"].values == 13).any():
            raise PredictorError("not a V2 answer")
        return jumpy(rows)

    log, time = MemoryLog(), Time()
    worker = worker_on(log, station(tmp_path, choking, time), time)
    log.append(INFERENCE, [_sent({"datatype": "FP64", "data": [13.0]}, 0)])
    log.append(INFERENCE, traffic(_strange(), first=1))
    flagged = [one for one in drained(worker, time) if isinstance(one, OutlierResult)]
    assert [one.address.offset for one in flagged] == [1]
    assert worker.counts["failed"] == MOST_FAILURES - 1


def test_a_predictor_may_be_away_for_days(tmp_path: Path) -> None:
    moody, log, time = Moody(), MemoryLog(), Time()
    at = station(tmp_path, moody, time)
    at._at = replace(at._at, predictor=_Away(moody))
    worker = worker_on(log, at, time)
    moody.error = PredictorError("refused")
    log.append(INFERENCE, traffic(_strange()))
    for _ in range(1100):
        time.now += 60.0
        worker.step(0.0)
    assert worker.counts["failed"] == 1100
    moody.error = None
    assert [one.offset for one in _flagged(drained(worker, time))] == [0]


class _Away(FunctionPredictor):
    def ready(self) -> bool:
        return False


def _flagged(said: Iterator[Output]) -> list[Address]:
    return [one.address for one in said if isinstance(one, OutlierResult)]


def test_a_sample_cannot_be_evaded_by_the_choice_of_an_id(tmp_path: Path) -> None:
    log, time = MemoryLog(), Time()
    at = station(tmp_path, time=time, sample=0.5)
    worker = worker_on(log, at, time)
    log.append(INFERENCE, [record(rows(1, 1), 0)] * 400)
    list(drained(worker, time))
    assert 140 < worker.feed.counts["unsampled"] < 260


def test_a_server_that_invents_a_version_for_every_answer_fills_no_memory() -> None:
    calibrations = Calibrations(40, 0.1)
    for number in range(100):
        calibrations.add(str(number), np.arange(32), np.zeros((32, 2)))
        assert calibrations.missing.tolist() == list(range(32, 40))
    assert len(calibrations._begun) == MAX_VERSIONS
    calibrations.add("99", calibrations.missing, np.zeros((8, 2)))
    assert calibrations.of("99") is not None


def test_partitions_calibrate_together_with_each_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    add = Calibrations.add

    def listening(to: Calibrations, version: str, rows: Any, distances: Any) -> None:
        asked.extend(rows.tolist())
        add(to, version, rows, distances)

    monkeypatch.setattr(Calibrations, "add", listening)
    log, time = MemoryLog(partitions=2), Time()
    at = station(tmp_path, time=time, partitions=2, max_rows_per_minute=120)
    member = log.join(at.group, INFERENCE)
    workers = [StationWorker(log, member, one, at, Clock(monotonic=time)) for one in range(2)]
    for number, worker in enumerate(workers):
        worker.most_records = 1
        log.append(INFERENCE, traffic(rows(200, number), first=200 * number), partition=number)
    while at.calibrations.of("3") is None:
        time.now += 6.0
        for worker in workers:
            worker.step(0.0)
    assert sorted(asked) == list(range(len(at.asks.reference)))


def test_a_slow_predictor_does_not_keep_a_step_for_long(tmp_path: Path) -> None:
    time = Time()

    def slow(rows: Columns) -> Columns:
        time.now += 0.5
        return jumpy(rows)

    log = MemoryLog()
    worker = worker_on(log, station(tmp_path, slow, time), time)
    log.append(INFERENCE, traffic(rows(40, seed=2)))
    for steps in range(1, 200):
        before = time.now
        worker.step(0.0)
        if worker.watching.counts["windows"] == 40:
            break
        assert steps == 1 or time.now - before <= 1.5  # The first one calibrates as well.
    assert worker.watching.counts["windows"] == 40
