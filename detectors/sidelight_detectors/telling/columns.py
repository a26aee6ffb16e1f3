"""Summed rows beside their reference, column by column."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import repeat

from sidelight.errors import NotEnoughData
from sidelight.panes import Bar, Column, Comparison, Flagged
from sidelight_detectors.cells import CategoricalCells, ColumnCells, Counts, NumericCells
from sidelight_detectors.contract import ColumnFinding, DriftFinding
from sidelight_detectors.fitted import Fitted
from sidelight_detectors.flagging import FLAGGING_SUMS
from sidelight_detectors.summary import Summary
from sidelight_detectors.telling.bars import bars_of_categories, bars_of_numbers, changed

FIRST = 1
"""The number of the window as which rows are judged: what a first one may err by."""


def comparison_of(fitted: Fitted, segment: str, summary: Summary) -> Comparison:
    """Drift where it can be judged; the distributions of all columns in any case."""
    finding, refused = _judged(fitted, segment, summary)
    reference = fitted.reference_of(segment)
    return Comparison(
        summary.rows,
        reference.rows,
        fitted.drift.tolerance if fitted.drift else None,
        tuple(_columns(fitted, finding, reference.counts, summary.counts)),
        tuple(_flagged(fitted, summary)),
        refused,
    )


def _judged(fitted: Fitted, segment: str, summary: Summary) -> tuple[DriftFinding | None, str]:
    if fitted.drift is None:
        return None, "no drift detector is configured; set detectors.drift of the model"
    try:
        return fitted.judge(summary, FIRST, segment), ""
    except NotEnoughData as exc:
        return None, str(exc)


def _columns(
    fitted: Fitted, finding: DriftFinding | None, reference: Counts, current: Counts
) -> Iterator[Column]:
    cells, grid = fitted.grid.columns, fitted.grid
    found = repeat(None) if finding is None else finding.columns
    lines = zip(cells, grid.split(reference), grid.split(current), found, strict=False)
    for place, (own, known, seen, one) in enumerate(lines):
        role = "feature" if place < fitted.features else "output"
        told = _UNJUDGED if one is None else one
        gained, lost = changed(own, known, seen)
        yield Column(
            own.name,
            role,
            "categorical" if isinstance(own, CategoricalCells) else "numeric",
            told.method,
            int(seen.sum()),
            _number(told.distance),
            _number(told.effect),
            told.low,
            told.high,
            told.p_value,
            told.threshold,
            told.drifted,
            _bars(own, known, seen),
            gained,
            lost,
            _measures(told),
        )


_UNJUDGED = ColumnFinding("", "", math.nan, math.nan, 0.0, 1.0, 0.0, False)


def _bars(cells: ColumnCells, reference: Counts, current: Counts) -> tuple[Bar, ...]:
    if isinstance(cells, CategoricalCells):
        return bars_of_categories(cells, reference, current)
    if isinstance(cells, NumericCells):
        return bars_of_numbers(cells, reference, current)
    return ()


def _measures(
    finding: ColumnFinding,
) -> Mapping[str, tuple[float | None, float | None, float | None]]:
    return {
        one.name: (_number(one.effect), _number(one.low), _number(one.high))
        for one in finding.measures
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _flagged(fitted: Fitted, summary: Summary) -> Iterator[Flagged]:
    for name, flagger in fitted.flaggers.items():
        sums = summary.sums[name]
        yield Flagged(
            name,
            flagger.method,
            summary.flagged(name),
            flagger.expected_rate,
            flagger.rate_bound,
            tuple(sums[1:].tolist()) if len(sums) == FLAGGING_SUMS else (),
            flagger.guarantee.rows,
        )
