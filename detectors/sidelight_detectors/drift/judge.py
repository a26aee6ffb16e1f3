"""A window's counts against the reference: one test a column, one threshold for all."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property

from sidelight.errors import NotEnoughData
from sidelight_detectors.cells import CategoricalCells, ColumnCells, Counts
from sidelight_detectors.contract import ColumnFinding, DriftFinding
from sidelight_detectors.drift.chi_squared import ChiSquaredTest, fit_chi_squared
from sidelight_detectors.drift.comparison import UNSEEN
from sidelight_detectors.drift.kolmogorov import KolmogorovTest
from sidelight_detectors.grid import Grid
from sidelight_detectors.spending import spend

Test = KolmogorovTest | ChiSquaredTest

MIN_ROWS = 20
"""A window with fewer rows answers *not enough data*."""

SMALLEST_P = sys.float_info.min
"""No p-value is 0: what is smaller than a float can say is told as this."""


@dataclass(frozen=True, eq=False)
class DriftJudge:
    """Drift of every column, with one false-alarm promise over columns and windows.

    Window k tests each of F columns at ``6 alpha / (pi^2 k^2) / F``: the chance that any column of
    any window ever falls below its threshold while nothing has changed is at most alpha, also
    though all windows share one reference (every p-value holds over the draw of both).

    Parameters
    ----------
    reference:
        Flat counts of the reference in the grid's cells.
    grouping:
        Flat counts of the reference rows that decide which categories are rare.
    window:
        Rows of a window, for the pooling of rare categories.
    """

    grid: Grid
    reference: Counts
    grouping: Counts
    reference_rows: int
    window: int
    alpha: float
    tolerance: float

    @cached_property
    def _tests(self) -> list[Test]:
        reference, grouping = self.grid.split(self.reference), self.grid.split(self.grouping)
        return [
            _test(column, counts, deciding, self.window)
            for column, counts, deciding in zip(self.grid.columns, reference, grouping, strict=True)
        ]

    def judge(self, counts: Counts, rows: int, number: int) -> DriftFinding:
        """The finding for the window with this number (from 1); see `Fitted.judge`."""
        if rows < MIN_ROWS:
            raise NotEnoughData(f"window {number} has {rows} rows; at least {MIN_ROWS} are needed")
        alpha = spend(self.alpha, number)
        threshold = alpha / len(self.grid.columns)
        findings = tuple(
            self._column(name, test, part, threshold)
            for name, test, part in zip(
                self.grid.names, self._tests, self.grid.split(counts), strict=True
            )
        )
        return DriftFinding(rows, self.reference_rows, number, alpha, self.tolerance, findings)

    def _column(
        self,
        name: str,
        test: Test,
        counts: Counts,
        threshold: float,
    ) -> ColumnFinding:
        rows = int(counts.sum())
        seen = test.compare(counts) if rows else UNSEEN
        drifted = seen.p_value < threshold and seen.effect.size > self.tolerance
        return ColumnFinding(
            name,
            test.method,
            seen.statistic,
            seen.distance,
            test.error,
            max(seen.p_value, SMALLEST_P),
            threshold,
            drifted,
            rows,
            seen.effect.size,
            seen.effect.low,
            seen.effect.high,
        )


def _test(column: ColumnCells, reference: Counts, grouping: Counts, window: int) -> Test:
    if isinstance(column, CategoricalCells):
        return fit_chi_squared(column, reference, grouping, window)
    return KolmogorovTest(reference)
