"""Whoever remembers rows goes on after a crash as if there had been none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight_detectors.fitted import Fitted
from sidelight_detectors.results.findings import Output
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Labelled, Sample, Sender
from sidelight_detectors.streaming.panes import Pane, trace_of
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from sidelight_detectors.streaming.tracing import traced
from tests.detector_contract.cases import rows_of

MODEL, SECOND, START_NS = "income", 1_000_000_000, 1_700_000_000_000_000_000
RUNS, ROWS = 24, 60
MINUTES = 30
"""Event time between two runs: a day goes by in the stream."""


def stream(plan: Plan) -> list[Pane]:
    """Rows with labels that come one to three runs later, in one place twice; a run said twice."""
    panes: list[Pane] = []
    owed: dict[int, list[Labelled]] = {}
    for run in range(RUNS):
        panes.append(_pane(plan, run, owed))
        if run == 7:
            panes.append(panes[-1])
    return panes


def _pane(plan: Plan, run: int, owed: dict[int, list[Labelled]]) -> Pane:
    rng = np.random.default_rng(run)
    table = rows_of(ROWS, 100 + run)
    time_ns = START_NS + run * MINUTES * 60 * SECOND
    begin = run * ROWS
    samples = []
    for number in range(ROWS):
        columns, at = table.take(slice(number, number + 1)), begin + number
        sender = Sender(f"id-{at}", f"order-{at}" if number % 3 else "", f"client-{number % 2}")
        samples.append(Sample(at, time_ns + number, "1" if number % 5 else "2", columns, sender))
        told = ((f"id-{at}", 0, float(table["label"].values[number])),)
        for _ in range(2 if number == 9 else 1):
            owed.setdefault(run + int(rng.integers(1, 4)), []).append(Labelled(at, time_ns, told))
    scored = score(plan, samples)
    assert not scored.refused
    trace = traced(plan, 0, begin, scored.trails, owed.get(run, []))
    place = (0, begin, begin + ROWS, time_ns + ROWS, plan.bucket_ns)
    return Pane(MODEL, plan.id, *place, scored.slices, scored.flags, trace)


@dataclass
class Told:
    """What a decider said pane by pane, and its state after each."""

    outputs: list[list[Output]]
    states: list[bytes]


def folded(decider: Decider, panes: Sequence[Pane], first: int = 0) -> Told:
    told = Told([], [])
    for at, pane in enumerate(panes, first):
        told.outputs.append(decider.accept(Pane.from_record(pane.to_record()), at))
        told.states.append(orjson.dumps(decider.saved(), option=orjson.OPT_NON_STR_KEYS))
    return told


@pytest.fixture
def plan(fitted: Fitted) -> Plan:
    return Plan(MODEL, fitted, DetectorsSettings())


def test_a_decider_that_comes_back_goes_on_to_the_same_bytes(plan: Plan, folding: str) -> None:
    panes = stream(plan)
    whole = folded(Decider(plan, 1), panes)

    for dies in range(1, len(panes), 4):
        decider = Decider(plan, 1)
        decider.restore(orjson.loads(whole.states[dies - 1]))
        oldest = decider.needs_from
        for at in range(dies if oldest is None else oldest, dies):
            decider.remember(trace_of(panes[at].to_record()), at)
        rest = folded(decider, panes[dies:], dies)

        assert rest.outputs == whole.outputs[dies:]
        assert rest.states == whole.states[dies:]


def test_the_trail_of_a_row_is_its_own(fitted: Fitted, folding: str) -> None:
    table = rows_of(40, 3)
    together = fitted.observe(fitted.index(table)).trails[folding]
    alone = [
        fitted.observe(fitted.index(table.take(slice(row, row + 1)))).trails[folding]
        for row in range(40)
    ]

    assert together.dtype == np.uint8
    assert np.array_equal(np.concatenate(alone), together)


def test_a_snapshot_stays_small(plan: Plan, folding: str) -> None:
    states = folded(Decider(plan, 1), stream(plan)).states

    assert len(states[-1]) < 256 << 10
