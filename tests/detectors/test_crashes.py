"""A crash anywhere loses nothing, says nothing twice and changes no result."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events import Body
from sidelight.events.exchanges import from_record
from sidelight.log import Address, Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, DEAD_LETTERS, INFERENCE, RESULTS
from sidelight.protocols.decoding import decode_inputs
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import Alarm, DriftResult
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.traffic import plan, record, rows, traffic
from tests.detectors.watching import Fuse, panes_of, records_of, replayed, watch

SERVICE = DetectorsSettings(run_rows=25)

PLAN = plan(window=40, alarm={"clear_after": 2})

FUSES = st.builds(Fuse, st.integers(1, 40), st.booleans())


def story(versions: tuple[str, ...] = ("1",)) -> list[Record]:
    """Ordinary traffic, a change and its end, poison in between."""
    told: list[Record] = [Record(b"no event at all", b"k")]
    for number, version in enumerate(versions):
        first = 10_000 * number
        bad = Body(b"{", "application/json", size=1)
        told += traffic(rows(80, 10 + number), 5, first, version=version)
        told.append(record(rows(2, 3), first + 5000, request=bad))
        told += traffic(rows(80, 20 + number, shift=1.5), 4, first + 6000, version=version)
        told += traffic(rows(120, 30 + number), 4, first + 7000, version=version)
    return told


def said(log: MemoryLog) -> dict[str, list[Record]]:
    return {topic: records_of(log, topic) for topic in (RESULTS, ALARMS, DEAD_LETTERS)}


def told_log(records: list[Record], partitions: int = 1) -> MemoryLog:
    log = MemoryLog(partitions)
    log.append(INFERENCE, records)
    return log


def undisturbed(log: MemoryLog) -> dict[str, list[Record]]:
    """What is said of the very same records (with their times) when nothing crashes."""
    other = MemoryLog(1)
    other._records[INFERENCE, 0] = log._records[INFERENCE, 0]
    watch(other, [PLAN], SERVICE)
    return said(other)


def test_a_story_has_all_kinds_of_outputs() -> None:
    log = told_log(story())
    watch(log, [PLAN], SERVICE)
    outputs = replayed(log, PLAN)
    changes = [output.change for output in outputs if isinstance(output, Alarm)]
    assert changes == ["raised", "cleared"]
    assert {type(output).__name__ for output in outputs} == {
        "PromiseResult",
        "OutlierResult",
        "DriftResult",
        "Alarm",
    }
    assert len(records_of(log, DEAD_LETTERS)) == 2


def test_a_crash_at_every_single_step_changes_no_byte() -> None:
    log = told_log(story())
    expected = undisturbed(log)
    kept = log._records[INFERENCE, 0]
    step, blown = 0, True
    while blown:
        step += 1
        for before in (True, False):
            fuse = Fuse(step, before)
            again = MemoryLog(1)
            again._records[INFERENCE, 0] = kept
            watch(again, [PLAN], SERVICE, [fuse])
            assert said(again) == expected, (step, before)
            blown = fuse.steps == 0
    assert step > 35


@given(st.lists(FUSES, max_size=6))
@settings(max_examples=25, deadline=None)
def test_any_series_of_crashes_changes_no_byte(fuses: list[Fuse]) -> None:
    log = told_log(story())
    expected = undisturbed(log)
    watch(log, [PLAN], SERVICE, fuses)
    assert said(log) == expected


@pytest.mark.soak
@pytest.mark.timeout(1800)
@given(st.lists(FUSES, max_size=20))
@settings(max_examples=1000, deadline=None)
def test_any_long_series_of_crashes_changes_no_byte(fuses: list[Fuse]) -> None:
    log = told_log(story())
    expected = undisturbed(log)
    watch(log, [PLAN], SERVICE, fuses)
    assert said(log) == expected


@given(st.lists(FUSES, max_size=5), st.integers(1, 4), st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_with_partitions_and_models_nothing_is_lost_or_said_twice(
    fuses: list[Fuse], partitions: int, run_rows: int
) -> None:
    log = told_log(story(("1", "2")), partitions)
    log.append(INFERENCE, traffic(rows(100, 9), model="other"))
    plans = [PLAN, Plan("other", PLAN.fitted, SERVICE)]
    watch(log, plans, DetectorsSettings(run_rows=run_rows), fuses)
    recorded = {record.key: record for record in records_of(log, RESULTS) + records_of(log, ALARMS)}
    outputs = [output for each in plans for output in replayed(log, each)]
    assert recorded == {record.key: record for record in map(output_record, outputs)}
    assert (
        len(outputs)
        == len(recorded)
        == sum(len(records_of(log, topic)) for topic in (RESULTS, ALARMS))
    )
    assert len(records_of(log, DEAD_LETTERS)) == 3
    assert rows_accepted(log, "income") == 560
    assert rows_accepted(log, "other") == 100


def rows_accepted(log: MemoryLog, model: str) -> int:
    """Rows of the first pane of each run."""
    runs = {
        (pane.partition, pane.begin): pane.rows
        for pane in reversed(panes_of(log))
        if pane.model == model
    }
    return sum(runs.values())


def test_the_rows_of_a_window_are_found_at_its_addresses() -> None:
    log = told_log(traffic(rows(150, 5), 7))
    watch(log, [PLAN], SERVICE)
    for output in replayed(log, PLAN):
        if isinstance(output, DriftResult):
            (stretch,) = output.seen.exchanges
            offsets = range(stretch.first.offset, stretch.last.offset + 1)
            exchanges = [from_record(log.get(Address(INFERENCE, 0, at)).record) for at in offsets]
            assert output.seen.rows == sum(len(decode_inputs(each)) for each in exchanges)
