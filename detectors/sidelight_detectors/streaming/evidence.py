"""What an alarm rests on: the rows it was raised over, judged, and the most typical of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.alarms.rule import WHOLE, Suspect
from sidelight_detectors.fitted import DRIFT
from sidelight_detectors.results.findings import DriftResult, TypicalRow
from sidelight_detectors.streaming.draws import Draw
from sidelight_detectors.streaming.judging import judge, result_of
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.raising import Evidence
from sidelight_detectors.streaming.states import VersionState
from sidelight_detectors.streaming.steps import Window
from sidelight_detectors.typical import log_ratios

MAX_TYPICAL = 5
"""Rows an alarm names."""

MAX_BLAMED = 5
"""Suspects whose columns decide which rows are typical."""


def evidence_of(
    plan: Plan, window: Window, state: VersionState, suspects: Sequence[Suspect]
) -> Evidence:
    """What speaks for these suspects in a window."""
    scope = suspects[0].segment if suspects else WHOLE
    rows = typical_rows(plan, window, scope, suspects)
    if scope == WHOLE:
        return Evidence(rows=rows)
    number = max(state.tally(DRIFT, scope).windows, 1)
    result = result_of(plan, window, judge(plan, window, DRIFT, scope, number))
    return Evidence(result if isinstance(result, DriftResult) else None, rows)


def typical_rows(
    plan: Plan, window: Window, scope: str, suspects: Sequence[Suspect]
) -> tuple[TypicalRow, ...]:
    """Rows drawn from the window that are more usual in it than in the reference, most so first.

    In the columns of the worst suspects, or in all where none is named.
    """
    summary, draw = window.of(scope), _inside(plan, window.extent.draw, scope)
    if summary is None or not draw:
        return ()
    blamed = dict.fromkeys(one.column for one in suspects if one.segment == scope)
    ratios = log_ratios(
        plan.fitted.grid,
        plan.fitted.reference_of(scope).counts,
        summary.counts,
        list(blamed)[:MAX_BLAMED] or plan.fitted.columns,
        np.stack([_cells(row.cells) for row in draw]),
    )
    order = np.argsort(-ratios, kind="stable")[:MAX_TYPICAL]
    return tuple(
        TypicalRow(
            Address(INFERENCE, draw[place].partition, draw[place].offset),
            draw[place].row,
            round(float(ratios[place]), 4),
        )
        for place in order
        if ratios[place] > 0
    )


def _inside(plan: Plan, draw: Draw, scope: str) -> Draw:
    """The drawn rows of a segment."""
    segments = plan.fitted.segments
    if scope == WHOLE or segments is None:
        return draw
    number = segments.names.index(scope)
    return tuple(row for row in draw if segments.of(_cells(row.cells)[None])[0] == number)


def _cells(content: bytes) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.frombuffer(content, "<i4")
