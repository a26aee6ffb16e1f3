"""Labels join their rows whenever they come, to the very sums of a join of all at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight_detectors.contract import Sums
from sidelight_detectors.labels.contract import Settling
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.labels.fold import LabelsFold
from sidelight_detectors.labels.joining import Terms
from sidelight_detectors.results.findings import Output, UnjudgedResult, WindowResult
from sidelight_detectors.streaming.folds import Traced, Watched
from tests.detectors.labelling import (
    SECOND,
    Asked,
    Event,
    Said,
    detector_of,
    fitted,
    joined,
    people,
    stream,
)

FITTED = fitted()
PART = detector_of(FITTED)
WINDOW, WAIT = 600, 1800
TERMS = Terms(WINDOW * SECOND, WAIT * SECOND, 1_000_000, 900 * SECOND)
END = 6 * 3600

Settled = dict[tuple[int, str], list[int]]


@dataclass
class Heard:
    """The part, and the sums of each window that it settled for good."""

    sums: list[list[int]] = field(default_factory=list)
    settled_size = PART.settled_size
    awaited = staticmethod(PART.awaited)
    labelled = staticmethod(PART.labelled)

    def settle(self, sums: Sums, is_final: bool) -> LabelsFinding:
        if is_final:
            self.sums.append(sums.tolist())
        return PART.settle(sums, is_final)


def fold(terms: Terms = TERMS, part: Settling = PART) -> LabelsFold:
    return LabelsFold(Watched("income", "plan"), {"labels": part}, terms, 0.5)


def rows(count: int, seed: int = 1) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Trails, and what came true."""
    table = people(count, seed)
    return PART.trail(FITTED.index(table)), table["label"].values.astype(float)


TRAIL, TRUTH = rows(4, 2)


def story(rng: np.random.Generator, exchanges: int = 80) -> list[Event]:
    """Labels that come early, late, twice, corrected, taken back, far too late, or never."""
    events: list[Event] = []
    for number in range(exchanges):
        at = float(rng.uniform(0, 3 * 3600))
        trail, truth = rows(int(rng.integers(1, 4)), 100 + number)
        order = f"order-{number}" if rng.random() < 0.5 else ""
        events.append(Asked(at, f"id-{number}", trail, order, int(rng.integers(2))))
        for row in range(len(trail)):
            name = order if order and rng.random() < 0.5 else f"id-{number}"
            events += said(rng, at, name, row, float(truth[row]))
    return [*events, *clock(END, 8)]


def said(rng: np.random.Generator, at: float, name: str, row: int, value: float) -> list[Event]:
    fate = rng.random()
    if fate < 0.1:
        return []
    if fate < 0.2:
        return [Said(max(at - float(rng.uniform(0, 300)), 0), name, row, value)]
    first = at + float(rng.exponential(900))
    told: list[Event] = [Said(first, name, row, value)]
    if fate < 0.5:
        again = [value, 1 - value, math.nan][int(rng.integers(3))]
        told.append(Said(first + float(rng.exponential(600)), name, row, again))
    if fate > 0.95:
        told.append(Said(first, name, row + 7, value))
    return told


def clock(end: float, partitions: int) -> list[Event]:
    """Exchanges that only move event time on, in all partitions."""
    names = [f"tick-{number}" for number in range(40 * partitions)]
    return [Asked(end + at, name, TRAIL[:0]) for at, name in enumerate(names)]


def told(result: Output) -> LabelsFinding:
    assert isinstance(result, WindowResult)
    assert isinstance(result.finding, LabelsFinding)
    return result.finding


def settled(panes: Sequence[Traced]) -> Settled:
    """The sums of each window when it is final, by its number and version."""
    heard = Heard()
    folding = fold(part=heard)
    found: Settled = {}
    for traced in panes:
        for one in folding.accept(traced):
            assert isinstance(one, WindowResult | UnjudgedResult)
            if isinstance(one, UnjudgedResult) or told(one).is_final:
                place = (one.seen.first_ns // TERMS.window_ns, one.about.version)
                assert place not in found, "a window is final once"
                found[place] = heard.sums.pop(0)
    return {place: sums for place, sums in found.items() if sums[0]}


def at_once(events: Sequence[Event], last: int) -> Settled:
    """The same of a join of all at once, up to a window."""
    whole = joined(events, PART, TERMS)
    return {place: sums.tolist() for place, sums in whole.items() if sums[0] and place[0] <= last}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 8]))
def test_the_stream_comes_to_the_sums_of_a_join_of_all_at_once(seed: int, partitions: int) -> None:
    rng = np.random.default_rng(seed)
    events = story(rng)
    panes = list(stream(events, rng, partitions))

    found = settled(panes)

    assert found == at_once(events, max(found)[0])
    assert len(found) > 20


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3]))
def test_a_fold_that_died_anywhere_goes_on_to_the_same_bytes(seed: int, partitions: int) -> None:
    rng = np.random.default_rng(seed)
    panes = list(stream(story(rng), rng, partitions))
    whole, states, said_so_far = fold(), [], []
    for traced in panes:
        said_so_far.append(list(whole.accept(traced)))
        states.append(orjson.dumps(whole.saved()))

    for dies in rng.integers(1, len(panes), 4).tolist():
        again = fold()
        again.restore(orjson.loads(states[dies - 1]))
        oldest = again.needs_from
        for traced in panes[dies if oldest is None else oldest : dies]:
            again.remember(Traced(traced.trace, traced.pane, panes[dies - 1].watermark_ns))
        for at in range(dies, len(panes)):
            assert list(again.accept(panes[at])) == said_so_far[at]
            assert orjson.dumps(again.saved()) == states[at]


@pytest.mark.parametrize(
    ("labels", "outcome"),
    [
        ([Said(20, "a", 0, 1)], "joined"),
        ([Said(20, "order", 0, 1)], "joined"),
        ([Said(5, "a", 0, 1)], "joined"),
        ([Said(20, "a", 0, 1), Said(30, "a", 0, 1)], "repeated"),
        ([Said(20, "a", 0, 1), Said(30, "a", 0, 0)], "corrected"),
        ([Said(20, "a", 0, 1), Said(30, "a", 0, math.nan)], "withdrawn"),
        ([Said(20, "a", 0, 1), Said(30, "a", 0, 0, learned=15)], "superseded"),
        ([Said(20, "b", 0, 1)], "early"),
        ([Said(20, "a", 9, 1)], "no_row"),
        ([Said(END + 9, "a", 0, 1)], "early"),
    ],
)
def test_what_came_of_a_label_is_counted(labels: list[Said], outcome: str) -> None:
    event = Asked(10, "a", TRAIL, "order")

    events = [event, *labels, *clock(END, 1)]
    panes, folding = list(stream(events, np.random.default_rng(5), longest=1)), fold()
    for traced in panes:
        list(folding.accept(traced))

    assert folding.counts[outcome] == 1
    assert settled(panes) == at_once([event, *labels], 2**40)


def test_a_label_that_was_learned_after_the_wait_counts_no_more() -> None:
    """The window of the first row is open still, for the traffic has not come so far."""
    late = Said(WINDOW + WAIT + 1, "a", 0, 1)
    folding = fold()

    panes = list(stream([Asked(10, "a", TRAIL), late], np.random.default_rng(1)))
    for traced in panes:
        list(folding.accept(traced))

    assert folding.counts["late"] == 1
    assert folding.join.buckets[min(folding.join.buckets)].labelled == 0


def test_a_window_is_told_at_its_end_as_more_labels_come_and_when_it_is_final() -> None:
    trail, truth = rows(200, 3)
    events: list[Event] = [Asked(1, "a", trail)]
    events += [Said(2 + row / 10, "a", row, truth[row]) for row in range(50)]
    events += [Said(700 + row, "a", row, truth[row]) for row in range(50, 150)]
    events += clock(650, 1) + clock(850, 1) + clock(END, 1)
    folding, outputs = fold(), []
    for traced in stream(events, np.random.default_rng(3), longest=1):
        outputs += list(folding.accept(traced))

    results = [told(one) for one in outputs]

    assert results[0].labelled == 50
    assert [one.is_final for one in results] == [False] * (len(results) - 1) + [True]
    assert results[-1].labelled == 150
    assert len(results) <= 2 + 5
    assert all(b.labelled - a.labelled >= 20 for a, b in pairwise(results[:-1]))


def test_too_many_rows_give_up_the_oldest_window_and_say_so() -> None:
    trail, _ = rows(100, 3)
    folding = fold(Terms(WINDOW * SECOND, WAIT * SECOND, 250, 0))
    events = [Asked(10 + number * WINDOW, f"id-{number}", trail) for number in range(4)]
    outputs = [
        one
        for traced in stream(events, np.random.default_rng(1), longest=1)
        for one in folding.accept(traced)
    ]

    given_up = [one for one in outputs if isinstance(one, UnjudgedResult)]
    assert [one.reason.partition(":")[0] for one in given_up] == [
        "100 rows were given up before their labels were waited for"
    ] * 2
    assert folding.join.rows == 200
    assert folding.counts["crowded_rows"] == 200


def test_a_row_whose_window_is_final_is_counted_and_forgotten() -> None:
    events: list[Event] = [Asked(END, "b", TRAIL), Asked(END + 1, "c", TRAIL)]
    folding = fold()
    for traced in stream(events, np.random.default_rng(1), longest=1):
        list(folding.accept(traced))
    old = next(stream([Asked(10, "a", TRAIL)], np.random.default_rng(1)))

    list(folding.accept(Traced(old.trace, 9, 0)))

    assert folding.counts["late_rows"] == len(TRAIL)


def test_coverage_below_what_is_wanted_is_a_warning() -> None:
    trail, truth = rows(200, 3)
    events: list[Event] = [Asked(1, "a", trail), *clock(END, 1)]
    events += [Said(2, "a", row, truth[row]) for row in range(60)]
    folding, outputs = fold(), []
    for traced in stream(events, np.random.default_rng(3)):
        outputs += list(folding.accept(traced))

    (warning,) = told(outputs[-1]).warnings
    assert warning.startswith("all rows: 30.0% have a label, less than 50%")


def test_labels_that_wait_for_their_row_are_forgotten_in_time_and_by_number() -> None:
    terms = Terms(WINDOW * SECOND, WAIT * SECOND, 8000, 60 * SECOND)
    for events, left in (
        ([Said(at, f"b{at}", 0, 1) for at in range(1500)], 1250),
        ([Said(1, "b", 0, 1), *clock(100, 1), *clock(300, 1)], 0),
    ):
        folding = fold(terms)
        for traced in stream(events, np.random.default_rng(3), longest=5):
            list(folding.accept(traced))

        assert len(folding.join.early) <= left


def test_labels_of_all_rows_of_a_long_exchange_may_stand_before_it() -> None:
    trail, truth = rows(100, 3)
    labels = [Said(5, "a", row, truth[row]) for row in range(100)]
    for longest in (1, 200):
        panes = list(stream([*labels, Asked(10, "a", trail)], np.random.default_rng(1), 1, longest))
        folding = fold()
        for traced in panes:
            list(folding.accept(traced))

        assert folding.counts["joined"] == 100


def test_rows_whose_panes_the_log_did_not_keep_are_counted_and_told() -> None:
    trail, _ = rows(60, 3)
    events = [Asked(1 + at, f"a{at}", trail[at : at + 10]) for at in range(0, 60, 10)]
    panes = list(stream(events, np.random.default_rng(1), longest=1))
    before, after = fold(), fold()
    for traced in panes:
        list(before.accept(traced))

    after.restore(orjson.loads(orjson.dumps(before.saved())))
    for traced in panes[2:]:
        after.remember(traced)
    ticks = [Said(100, f"a{at}", row, 1) for at in range(20, 60, 10) for row in range(10)]
    outputs = [
        one
        for traced in stream([*ticks, *clock(END, 1)], np.random.default_rng(1))
        for one in after.accept(Traced(traced.trace, traced.pane + 6, traced.watermark_ns))
    ]

    assert after.counts["lost_rows"] == 20
    assert told(outputs[-1]).rows == 40
    assert told(outputs[-1]).warnings[0].startswith("20 more rows were forgotten in a restart")
