"""The scorer: how runs are cut, what is skipped, what is poison, who may commit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.errors import Fenced, OffsetOutOfRange
from sidelight.events import Body, CloudEvent
from sidelight.events.deadletters import DeadLetter, from_event
from sidelight.events.records import from_record, to_record
from sidelight.events.seldon import FEEDBACK_TYPE
from sidelight.log import Membership, Record, Span, Stored
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import DEAD_LETTERS, INFERENCE, PANES
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, Observed, fit
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.intake import MAX_VERSION, Sample, WatchedColumns, take
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.run import Run, RunNote
from sidelight_detectors.streaming.scorer import GROUP, PartitionScorer
from tests.detectors.traffic import (
    MODEL,
    SECOND,
    START_NS,
    exchange,
    json_body,
    plan,
    record,
    rows,
    settings,
    traffic,
)
from tests.detectors.watching import STILL, Alone, panes_of, records_of, watch

PLAN = plan()
ROW = rows(1, 1)


def stored_in(*records: Record) -> list[Stored]:
    log = MemoryLog()
    log.append(INFERENCE, records)
    return log.read(INFERENCE, 0, 0)


@dataclass
class Time:
    """A clock a test moves."""

    seconds: float = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, lambda: round(self.seconds * SECOND))


def scorer(
    log: MemoryLog,
    service: DetectorsSettings | None = None,
    clock: Clock = STILL,
    member: Membership | None = None,
    watched: Plan = PLAN,
) -> Alone:
    member = member or log.join(GROUP, INFERENCE)
    asked = service or DetectorsSettings()
    one = PartitionScorer(log, member, 0, {MODEL: watched}, asked, clock)
    found = Alone(log, member, one)
    found.poll()
    return found


def score_all(*records: Record) -> tuple[MemoryLog, Run]:
    log = MemoryLog()
    log.append(INFERENCE, list(records))
    one = scorer(log)
    run = one.poll() or one.close()
    assert run is not None
    return log, run


def letters(log: MemoryLog) -> list[DeadLetter]:
    return [from_event(from_record(record)) for record in records_of(log, DEAD_LETTERS)]


def test_a_run_ends_by_rows() -> None:
    log = MemoryLog()
    log.append(INFERENCE, traffic(rows(100, 1), 7))
    watch(log, [PLAN], DetectorsSettings(run_rows=20))
    assert [pane.rows for pane in panes_of(log)] == [21, 21, 21, 21, 16]


def test_a_run_ends_by_bytes() -> None:
    log = MemoryLog()
    told = traffic(rows(10, 1))
    log.append(INFERENCE, told)
    watch(log, [PLAN], DetectorsSettings(run_bytes=len(told[0].value) + 1))
    assert [pane.rows for pane in panes_of(log)] == [2] * 5


def test_a_run_ends_by_time() -> None:
    log, time = MemoryLog(), Time()
    one = scorer(log, DetectorsSettings(run_seconds=2.0), time.clock)
    log.append(INFERENCE, traffic(rows(3, 1)))
    assert one.poll() is None
    time.seconds = 1.9
    assert one.poll() is None
    time.seconds = 2.0
    run = one.poll()
    assert run is not None
    assert run.rows == 3


def test_many_exchanges_become_one_pane() -> None:
    log, _ = score_all(*traffic(rows(60, 1)))
    (pane,) = panes_of(log)
    assert (pane.begin, pane.end, pane.rows) == (0, 60, 60)
    assert pane.plan == PLAN.id


def test_a_model_without_rows_has_an_empty_pane() -> None:
    log = MemoryLog()
    log.append(INFERENCE, traffic(rows(4, 1)))
    watch(log, [PLAN, Plan("idle", PLAN.fitted, DetectorsSettings())], DetectorsSettings())
    assert {pane.model: (pane.end, pane.rows) for pane in panes_of(log)} == {
        MODEL: (4, 4),
        "idle": (4, 0),
    }


def test_the_end_of_a_run_is_noted_before_its_pane_is_said() -> None:
    notes: list[tuple[int, int | None, Any]] = []

    class Watched(MemoryLog):
        def append(self, topic: str, records: Any, *, partition: int | None = None) -> Any:
            if topic == PANES:
                position = member.committed(0)
                assert position is not None
                note = RunNote.from_bytes(position.note)
                notes.append((position.offset, note.end, note.counted))
            return super().append(topic, records, partition=partition)

    log = Watched()
    member = log.join(GROUP, INFERENCE)
    log.append(INFERENCE, traffic(rows(5, 1)))
    one = scorer(log, member=member)
    one.poll()
    one.close()
    assert notes == [(0, 5, {})]
    position = member.committed(0)
    assert position is not None
    note = RunNote.from_bytes(position.note)
    assert (position.offset, note.end) == (5, None)
    assert note.counted[MODEL] == {"": 5}


def test_a_fenced_scorer_stops_and_says_nothing() -> None:
    log = MemoryLog()
    member = log.join(GROUP, INFERENCE)
    one = scorer(log, member=member)
    log.append(INFERENCE, traffic(rows(5, 1)))
    one.poll()
    member.leave()
    with pytest.raises(Fenced):
        one.close()
    assert records_of(log, PANES) == []


UNFIT = json_body({"inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": [1.0]}]})
TEXT = json_body(
    {
        "inputs": [
            {"name": "age", "shape": [1], "datatype": "BYTES", "data": ["old"]},
            {"name": "sex", "shape": [1], "datatype": "BYTES", "data": ["f"]},
        ]
    }
)
TWO = json_body(
    {"outputs": [{"name": "score", "shape": [2], "datatype": "FP64", "data": [0.1, 0.2]}]}
)


@pytest.mark.parametrize(
    ("poison", "reason", "told"),
    [
        (Record(b"\xff", b"k"), "malformed", "specversion"),
        (record(rows(1, 1), request=json_body([1])), "malformed", "object"),
        (record(rows(1, 1), request=UNFIT), "mismatch", "'sex' is missing"),
        (record(rows(1, 1), request=TEXT), "mismatch", "numbers were expected"),
        (record(rows(1, 1), response=TWO), "row-count", "1 rows were asked and 2 answered"),
    ],
)
def test_a_poison_exchange_is_one_dead_letter_and_harms_no_neighbour(
    poison: Record, reason: str, told: str
) -> None:
    ordinary = traffic(rows(20, 1))
    log, run = score_all(*ordinary[:10], poison, *ordinary[10:])
    (letter,) = letters(log)
    assert letter.origin == "inference/0/10"
    assert told in letter.message
    assert run.faults == Counter({reason: 1})
    assert panes_of(log)[0].rows == 20
    clean, _ = score_all(*ordinary)
    assert panes_of(log)[0].slices[0].summary == panes_of(clean)[0].slices[0].summary


def test_a_model_is_watched_under_its_own_name_whatever_its_server_calls_it() -> None:
    log = MemoryLog()
    log.append(INFERENCE, [record(rows(1, 1), model="credit-v7")])
    watch(log, [replace(PLAN, served_as="credit-v7")], DetectorsSettings())
    assert [(pane.model, pane.rows) for pane in panes_of(log)] == [(MODEL, 1)]


def test_a_bug_of_ours_costs_one_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(exchange: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("sidelight_detectors.streaming.intake.decode_inputs", broken)
    log, run = score_all(record(rows(1, 1)))
    assert run.faults == Counter({"internal": 1})
    assert letters(log)[0].error == "ZeroDivisionError"


def test_a_detector_that_breaks_on_a_row_costs_one_dead_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = type(PLAN.fitted).observe

    def fragile(fitted: Fitted, seen: Indexed) -> Observed:
        if (seen.columns["age"].values == 13).any():
            raise ZeroDivisionError("a bug")
        return whole(fitted, seen)

    told = traffic(rows(40, 1))
    told.insert(17, record(Columns.of(age=[13.0], sex=["f"], score=[0.1]), 99))
    monkeypatch.setattr(type(PLAN.fitted), "observe", fragile)
    log, run = score_all(*told)
    assert run.faults == Counter({"internal": 1})
    assert [letter.origin for letter in letters(log)] == ["inference/0/17"]
    assert panes_of(log)[0].rows == 40


CUT = Body(b"{", "application/json", size=100, truncated=True)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"status": 500}, (MODEL, "failed")),
        ({"outcome": "unanswered", "status": 0}, (MODEL, "unanswered")),
        ({"outcome": "abandoned"}, (MODEL, "abandoned")),
        ({"request": CUT}, (MODEL, "truncated")),
        ({"response": CUT}, (MODEL, "truncated")),
        ({"model": "stranger"}, ("", "unknown-model")),
        ({"protocol": "", "model": ""}, ("", "other")),
    ],
)
def test_what_is_no_traffic_is_skipped_and_counted(
    changed: dict[str, Any], outcome: tuple[str, str]
) -> None:
    log, run = score_all(record(rows(1, 1), **changed), record(rows(1, 2)))
    assert run.outcomes == Counter({outcome: 1, (MODEL, "scored"): 1})
    assert letters(log) == []
    assert panes_of(log)[0].rows == 1


def test_feedback_is_skipped_and_moves_no_time() -> None:
    """The joiner writes it to the topic of exchanges, whenever it comes."""
    event = CloudEvent("f", "/seldon", FEEDBACK_TYPE, time_ns=2**62, data=b"{}")
    log, run = score_all(record(rows(1, 1)), to_record(event), record(rows(1, 2)))
    assert run.outcomes == Counter({("", "feedback"): 1, (MODEL, "scored"): 2})
    assert letters(log) == []
    assert run.watermark_ns < 2**61


def test_a_purpose_that_nobody_has_proven_hides_no_traffic() -> None:
    log, run = score_all(record(rows(1, 1), purpose="explain"))
    assert run.outcomes == Counter({(MODEL, "scored"): 1})
    assert panes_of(log)[0].rows == 1


def test_a_sequence_seen_before_is_skipped_also_after_a_restart() -> None:
    log = MemoryLog()
    first = [record(rows(1, n), log_id="a", sequence=n) for n in (1, 2, 3)]
    log.append(INFERENCE, first)
    watch(log, [PLAN], DetectorsSettings())
    log.append(INFERENCE, [first[1], record(rows(1, 4), log_id="a", sequence=4)])
    log.append(INFERENCE, [record(rows(1, 5), log_id="b", sequence=1)])
    watch(log, [PLAN], DetectorsSettings())
    assert [pane.rows for pane in panes_of(log)] == [3, 2]


def test_an_event_time_in_the_future_is_clamped_to_when_it_was_appended() -> None:
    far = 4_000_000_000 * SECOND
    log, _ = score_all(record(rows(1, 1), time_ns=far))
    (pane,) = panes_of(log)
    appended = log.read(INFERENCE, 0, 0)[0].appended_ns
    assert pane.watermark_ns == pane.slices[0].last_ns == appended


def test_the_version_the_answer_states_counts_before_the_label() -> None:
    answer = {"outputs": [{"name": "score", "shape": [1], "datatype": "FP64", "data": [0.3]}]}
    stated = json_body({"model_version": "7", **answer})
    log, _ = score_all(
        record(rows(1, 1), version="label", response=stated),
        record(rows(1, 1), version="label"),
    )
    assert [part.version for part in panes_of(log)[0].slices] == ["7", "label"]


def test_a_client_cannot_choose_its_version() -> None:
    asked = settings().model_copy(update={"outputs": {}})
    plan = Plan(MODEL, fit(rows(200, seed=1), asked), DetectorsSettings())
    watched = {MODEL: WatchedColumns.by(plan)}
    claimed = json_body({"model_version": "mine", **orjson.loads(exchange(ROW).request.content)})
    (stored,) = stored_in(record(ROW, version="7", request=claimed))
    _, sample = take(stored, watched, lambda _: True)
    assert isinstance(sample, Sample)
    assert sample.version == "7"


def test_a_long_version_is_cut_and_still_tells_itself_from_others() -> None:
    long = ["v" * 1_000_000 + str(number) for number in (1, 2)]
    log, _ = score_all(*(record(rows(1, 1), version=version) for version in long))
    (pane,) = panes_of(log)
    versions = [part.version for part in pane.slices]
    assert [len(version) for version in versions] == [MAX_VERSION, MAX_VERSION]
    assert versions[0] != versions[1]


TIMED = plan(window_seconds=60.0)
NOW = START_NS // SECOND + 1000
"""Seconds since 1970; the newest exchange of these tests is a thousand seconds old."""


def quiet(log: MemoryLog, time: Time, *moments: float) -> list[int]:
    """Event times that a scorer says, polled at each of these seconds."""
    one = scorer(log, clock=time.clock, watched=TIMED)
    for seconds in moments:
        time.seconds = NOW + seconds
        one.poll()
    return [pane.watermark_ns // SECOND - NOW for pane in panes_of(log)]


def test_a_quiet_partition_says_that_time_goes_on_from_where_it_stood() -> None:
    log, time = MemoryLog(), Time(NOW)
    log.append(INFERENCE, [record(rows(1, 1), 0)])
    assert quiet(log, time, 0, 1, 30, 60.9, 61, 121) == [-1000, -940, -880]
    assert [pane.rows for pane in panes_of(log)] == [1, 0, 0]


def test_time_goes_on_while_nothing_but_labels_comes() -> None:
    log, time = MemoryLog(), Time(NOW)
    log.append(INFERENCE, [record(rows(1, 1), 0)])
    one = scorer(log, clock=time.clock, watched=TIMED)
    told = CloudEvent("f", "/seldon", FEEDBACK_TYPE, data=b"{}")
    for seconds in range(0, 150, 10):
        time.seconds = NOW + seconds
        one.poll()
        log.append(INFERENCE, [to_record(told)])
        one.poll()
        time.seconds += 5
        one.poll()
        one.poll()
    watermarks = [pane.watermark_ns // SECOND - NOW for pane in panes_of(log)]
    assert max(watermarks) > -920


def test_how_far_time_is_behind_survives_a_restart() -> None:
    log, time = MemoryLog(), Time(NOW)
    log.append(INFERENCE, [record(rows(1, 1), 0)])
    quiet(log, time, 0, 1, 2)
    log._members[GROUP].leave()
    time.seconds = NOW + 500
    assert quiet(log, time, 501, 559, 560)[1:] == [-441]


def test_a_partition_that_never_had_anything_knows_no_time() -> None:
    assert quiet(MemoryLog(), Time(NOW), 0, 59, 60, 120) == [-NOW, -NOW]


def test_a_partition_is_not_quiet_before_its_end_is_reached() -> None:
    class Stalled(MemoryLog):
        def read(self, topic: str, *place: Any, **limits: Any) -> list[Stored]:
            return [] if topic == INFERENCE else super().read(topic, *place, **limits)

    log = Stalled()
    log.append(INFERENCE, [record(rows(1, 1), 0)])
    assert quiet(log, Time(NOW), 0, 60, 120) == []


@pytest.mark.parametrize(
    "changed", [{"status": 500}, {"model": "another"}, {"request": json_body({"inputs": [1]})}]
)
def test_time_goes_on_with_traffic_that_is_not_scored(changed: dict[str, Any]) -> None:
    log, _ = score_all(record(rows(1, 1), 1), record(rows(1, 1), 90, **changed))
    assert panes_of(log)[0].watermark_ns == START_NS + 90 * SECOND


def test_count_windows_need_no_word_from_quiet_partitions() -> None:
    log, time = MemoryLog(), Time(1000.0)
    one = scorer(log, clock=time.clock)
    time.seconds = 2000.0
    one.poll()
    assert records_of(log, PANES) == []


def test_what_retention_took_is_a_gap_and_no_end() -> None:
    class Retiring(MemoryLog):
        begin = 0

        def read(self, topic: str, partition: int, offset: int, **limits: Any) -> list[Stored]:
            if topic == INFERENCE and offset < self.begin:
                raise OffsetOutOfRange("gone", begin=self.begin, end=100)
            return super().read(topic, partition, offset, **limits)

        def span(self, topic: str, partition: int) -> Span:
            kept = super().span(topic, partition)
            return Span(self.begin, kept.end) if topic == INFERENCE else kept

    log = Retiring()
    log.append(INFERENCE, traffic(rows(20, 1)))
    one = scorer(log)
    one.poll()
    one.close()
    log.append(INFERENCE, traffic(rows(20, 1)))
    log.begin = 30
    one.poll()
    one.poll()
    one.close()
    assert [(pane.begin, pane.end) for pane in panes_of(log)] == [(0, 20), (30, 40)]


def test_flagged_rows_are_bounded_and_the_true_number_is_kept() -> None:
    log, _ = score_all(record(rows(400, 1, shift=4.0)))
    (pane,) = panes_of(log)
    assert len(pane.flags) == 100
    assert pane.slices[0].summary.flagged("outlier") > 300
    assert all(flag.p_value <= 0.02 for flag in pane.flags)
    assert [flag.row for flag in pane.flags] == sorted(flag.row for flag in pane.flags)


def test_flagged_rows_name_the_exchange_the_row_and_the_columns() -> None:
    ordinary = rows(5, 1)
    ages = ordinary["age"].values.copy()
    ages[3] = 500.0
    strange = record(type(ordinary).of(age=ages, sex=ordinary["sex"].values, score=ages / 100))
    log, _ = score_all(record(rows(3, 1)), strange)
    flags = [flag for flag in panes_of(log)[0].flags if flag.offset == 1 and flag.row == 3]
    assert [flag.contributions[0][0] for flag in flags] == ["age"]
    assert exchange(ordinary).id == "exchange-000000"
