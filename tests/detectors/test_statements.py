"""The three statements on which windows rest: sums, event-time windows, folds."""

from __future__ import annotations

import random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight_detectors.results.findings import (
    Alarm,
    ComparisonResult,
    DriftResult,
    OutlierResult,
    Output,
)
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.panes import Pane, Place, Slice, drawn_among
from sidelight_detectors.streaming.scoring import score
from tests.detectors.traffic import SECOND, START_NS, plan, record, rows, traffic
from tests.detectors.watching import Fuse, panes_of, replayed, watch

COUNTED = plan(window=40, alarm={"clear_after": 2})
TIMED = plan(window_seconds=60.0, alarm={"clear_after": 2}, service=DetectorsSettings())

APART = plan(window_seconds=60.0, by="sex")


def samples(sizes: list[int]) -> list[Sample]:
    """Exchanges of these sizes, seconds apart, of two versions."""
    everything = rows(sum(sizes), seed=7, shift=0.5)
    found, begin = [], 0
    for offset, size in enumerate(sizes):
        part = everything.take(slice(begin, begin + size))
        time_ns = START_NS + 9 * offset * SECOND
        found.append(Sample(offset, time_ns, f"v{offset % 2}", part))
        begin += size
    return found


def summed(runs: list[list[Sample]]) -> dict[Place, Slice]:
    total: dict[Place, Slice] = {}
    for run in runs:
        for part in score(APART, run).slices:
            total[part.place] = total[part.place] + part if part.place in total else part
    return {part.place: part for part in drawn_among(list(total.values()))}


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=25),
    st.randoms(use_true_random=False),
    st.integers(1, 6),
)
@settings(max_examples=40, deadline=None)
def test_sums_are_the_same_bytes_under_any_cut_order_and_partition(
    sizes: list[int], order: random.Random, runs: int
) -> None:
    whole = samples(sizes)
    shuffled = list(whole)
    order.shuffle(shuffled)
    cut = [shuffled[start::runs] for start in range(runs)]
    expected, found = summed([whole]), summed([run for run in cut if run])
    assert found == expected
    for place, part in found.items():
        assert part.summary.to_bytes() == expected[place].summary.to_bytes()


@given(st.lists(st.integers(1, 9), min_size=2, max_size=25), st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_flagged_rows_do_not_depend_on_the_cut(sizes: list[int], runs: int) -> None:
    whole = samples(sizes)
    flags = {
        (flag.offset, flag.row, flag.score, flag.p_value)
        for start in range(runs)
        for flag in score(COUNTED, whole[start::runs]).flags
    }
    assert flags == {(f.offset, f.row, f.score, f.p_value) for f in score(COUNTED, whole).flags}


def timed_traffic(seed: int, count: int) -> list[Record]:
    """Exchanges of two versions, a few seconds apart and up to 20 s out of order."""
    mixed = random.Random(seed)
    everything = rows(4 * count, seed=seed, shift=0.7)
    return [
        record(
            everything.take(slice(4 * number, 4 * number + 4)),
            number,
            time_ns=START_NS + (4 * number + mixed.randrange(20)) * SECOND,
            version=str(mixed.randrange(2)),
        )
        for number in range(count)
    ]


SLID = plan(
    DetectorsSettings(bucket_seconds=20.0),
    window_seconds=60.0,
    slide_seconds=20.0,
    by="sex",
    alarm={"clear_after": 2},
)


def windows_of(outputs: list[Output]) -> list[Output]:
    return [
        output for output in outputs if isinstance(output, DriftResult | ComparisonResult | Alarm)
    ]


@given(
    st.integers(0, 3),
    st.integers(1, 3),
    st.integers(1, 200),
    st.lists(st.builds(Fuse, st.integers(1, 40), st.booleans()), max_size=3),
)
@settings(max_examples=25, deadline=None)
def test_event_time_windows_depend_on_the_log_alone(
    seed: int, partitions: int, run_rows: int, crashes: list[Fuse]
) -> None:
    log = MemoryLog(partitions)
    log.append(INFERENCE, timed_traffic(seed, 80))
    again = MemoryLog(partitions)
    again._records.update(log._records)
    watch(log, [TIMED], DetectorsSettings(run_rows=10_000))
    watch(again, [TIMED], DetectorsSettings(run_rows=run_rows), crashes)
    expected = windows_of(replayed(log, TIMED))
    assert len(expected) >= 3
    assert windows_of(replayed(again, TIMED)) == expected
    flagged = [
        {output for output in replayed(each, TIMED) if isinstance(output, OutlierResult)}
        for each in (log, again)
    ]
    assert flagged[0] == flagged[1]


def assert_slid_alike(seed: int, partitions: int, run_rows: int, crashes: list[Fuse]) -> None:
    """Windows of segments that overlap, and of versions against each other."""
    log, again = MemoryLog(partitions), MemoryLog(partitions)
    log.append(INFERENCE, timed_traffic(seed, 60))
    again._records.update(log._records)
    watch(log, [SLID], DetectorsSettings(run_rows=10_000))
    watch(again, [SLID], DetectorsSettings(run_rows=run_rows), crashes)
    expected = windows_of(replayed(log, SLID))
    assert {type(output) for output in expected} >= {DriftResult, ComparisonResult}
    assert windows_of(replayed(again, SLID)) == expected


STORIES = (
    st.integers(0, 50),
    st.integers(1, 3),
    st.integers(1, 200),
    st.lists(st.builds(Fuse, st.integers(1, 40), st.booleans()), max_size=3),
)


@given(*STORIES)
@settings(max_examples=12, deadline=None)
def test_sliding_windows_of_segments_and_versions_depend_on_the_log_alone(
    seed: int, partitions: int, run_rows: int, crashes: list[Fuse]
) -> None:
    assert_slid_alike(seed, partitions, run_rows, crashes)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@given(*STORIES)
@settings(max_examples=500, deadline=None)
def test_any_sliding_windows_depend_on_the_log_alone(
    seed: int, partitions: int, run_rows: int, crashes: list[Fuse]
) -> None:
    assert_slid_alike(seed, partitions, run_rows, crashes)


def test_rows_after_their_window_has_closed_are_counted_as_late() -> None:
    log = MemoryLog()
    log.append(INFERENCE, traffic(rows(300, 3)))
    watch(log, [TIMED], DetectorsSettings(run_rows=50))
    log.append(INFERENCE, [record(rows(2, 1), 0)])
    watch(log, [TIMED], DetectorsSettings())
    decider = Decider(TIMED, 1)
    for pane in panes_of(log):
        decider.accept(pane)
    assert decider.lost == {"late": 2}


def panes(count: int, seed: int) -> list[Pane]:
    log = MemoryLog()
    log.append(INFERENCE, traffic(rows(count, seed), 3))
    log.append(INFERENCE, traffic(rows(count, seed + 1, shift=1.2), 2, first=5000, version="2"))
    watch(log, [COUNTED], DetectorsSettings(run_rows=10))
    return panes_of(log)


STORY = panes(150, 3)


@given(st.lists(st.integers(0, len(STORY)), max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_decider_goes_on_from_any_snapshot_as_if_it_had_never_stopped(stops: list[int]) -> None:
    straight = Decider(COUNTED, 1)
    expected = [output for pane in STORY for output in straight.accept(pane)]
    decider, found = Decider(COUNTED, 1), []
    for number, pane in enumerate(STORY):
        if number in stops:
            saved = orjson.loads(orjson.dumps(decider.saved()))
            decider = Decider(COUNTED, 1)
            decider.restore(saved)
        found += decider.accept(pane)
    assert found == expected
    assert orjson.dumps(decider.saved()) == orjson.dumps(straight.saved())
