"""A window's counts against the reference: one test a column, one correction for all."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.drift import DriftSettings
from sidelight.errors import NotEnoughData
from sidelight_detectors.cells import CategoricalCells, Counts
from sidelight_detectors.contract import ColumnFinding, DriftFinding, DriftGlance, Measure
from sidelight_detectors.drift.chi_squared import ChiSquaredTest
from sidelight_detectors.drift.comparison import Comparisons
from sidelight_detectors.drift.cramer import CramerTest
from sidelight_detectors.drift.groups import fit_groups
from sidelight_detectors.drift.kolmogorov import KolmogorovTest
from sidelight_detectors.drift.measures.kinds import gauges
from sidelight_detectors.drift.measures.measured import Baseline, Gauge, View
from sidelight_detectors.drift.measures.shares import is_constant
from sidelight_detectors.drift.naming import critical_p
from sidelight_detectors.drift.numeric import NumericReference
from sidelight_detectors.drift.stack import stack_of
from sidelight_detectors.grid import Grid
from sidelight_detectors.moments import NAME as MOMENTS
from sidelight_detectors.moments import Moments
from sidelight_detectors.summary import Summary

NUMERIC_TESTS: Mapping[str, type[KolmogorovTest] | type[CramerTest]] = {
    "ks": KolmogorovTest,
    "cvm": CramerTest,
}

MIN_ROWS = 20
"""A window with fewer rows answers *not enough data*."""

SMALLEST_P = sys.float_info.min
"""No p-value is 0: what is smaller than a float can say is told as this."""


@dataclass(frozen=True, eq=False)
class DriftJudge:
    """Drift of every column of a window, against one reference.

    Numeric columns are tested by `settings.method`, categorical ones and those with one value in
    the reference by chi-squared. `settings.correction` decides over all columns which are named.

    Parameters
    ----------
    reference:
        Flat counts of the reference in the grid's cells.
    grouping:
        Flat counts of the reference rows that decide which categories are rare.
    window:
        Rows of a window, for the pooling of rare categories.
    moments:
        With the sums of the same reference rows; None leaves out the measures that need them.
    """

    grid: Grid
    reference: Counts
    grouping: Counts
    reference_rows: int
    window: int
    settings: DriftSettings
    moments: Moments | None = None

    def judge(self, summary: Summary, number: int, alpha: float) -> DriftFinding:
        """The finding for the window with this number (from 1), which may err by `alpha`."""
        view = self._view(summary, number)
        with np.errstate(divide="ignore", invalid="ignore"):
            tested = self._compare(view)
            measures = self._measure(view, view.rows > 0)
        critical, drifted = self._named(tested, alpha)
        lines = zip(
            self.grid.names,
            self.methods,
            tested.statistic.tolist(),
            tested.distance.tolist(),
            tested.error.tolist(),
            tested.p_value.tolist(),
            repeat(critical),
            drifted.tolist(),
            view.rows.tolist(),
            tested.size.tolist(),
            tested.low.tolist(),
            tested.high.tolist(),
            measures,
        )
        columns = tuple(ColumnFinding(*line) for line in lines)
        tolerance = self.settings.tolerance
        return DriftFinding(summary.rows, self.reference_rows, number, alpha, tolerance, columns)

    def glance(self, summary: Summary, number: int, alpha: float) -> DriftGlance:
        """Whether `judge` would find drift: the tests alone, at a fraction of the cost."""
        view = self._view(summary, number)
        with np.errstate(divide="ignore", invalid="ignore"):
            _, drifted = self._named(self._compare(view), alpha)
        return DriftGlance(summary.rows, bool(drifted.any()))

    def _named(self, tested: Comparisons, alpha: float) -> tuple[float, NDArray[np.bool_]]:
        """The critical p-value, and which columns drifted."""
        critical = critical_p(tested.p_value, alpha, self.settings.correction)
        return critical, (tested.p_value <= critical) & (tested.size > self.settings.tolerance)

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """The test of each column."""
        by_groups = set(self._by_groups.tolist())
        places = range(len(self.grid.columns))
        return tuple("chi2" if place in by_groups else self.settings.method for place in places)

    def _view(self, summary: Summary, number: int) -> View:
        if summary.rows < MIN_ROWS:
            raise NotEnoughData(
                f"window {number} has {summary.rows} rows; at least {MIN_ROWS} are needed"
            )
        base = self._baseline
        rows = np.add.reduceat(summary.counts, self.grid.starts[:-1])
        counts = summary.counts
        if not rows.all():
            # What nobody observed is compared with itself; `_compare` then says that it is unseen.
            counts = np.where(np.repeat(rows > 0, np.diff(self.grid.starts)), counts, base.counts)
        sums = summary.sums.get(MOMENTS, np.empty(0, np.int64))
        return View(counts, rows, base, sums)

    def _compare(self, view: View) -> Comparisons:
        tested = np.full((7, len(view.rows)), np.nan)
        if len(self._baseline.places):
            tested[:, self._baseline.places] = self._numeric.compare(view.numeric).table
        if len(self._by_groups):
            counted = view.counts[self._cells_of_groups]
            tested[:, self._by_groups] = self._categorical.compare(counted).table
        tested[:, view.rows == 0] = _UNSEEN[:, None]
        found = Comparisons(*tested)
        np.maximum(found.p_value, SMALLEST_P, out=found.p_value)
        return found

    def _measure(self, view: View, seen: NDArray[np.bool_]) -> list[tuple[Measure, ...]]:
        found: list[list[Measure]] = [[] for _ in seen]
        for name, gauge in self._gauges.items():
            measured = gauge.measure(view)
            told = (seen & ~np.isnan(measured.value)).tolist()
            for column, line, is_told in zip(found, measured.lines(), told, strict=True):
                if is_told:
                    column.append(Measure(name, *line))
        return [*map(tuple, found)]

    @cached_property
    def _baseline(self) -> Baseline:
        grid = self.grid
        groups = fit_groups(grid, self.reference, self.grouping, self.window)
        is_numeric = np.array([not isinstance(one, CategoricalCells) for one in grid.columns])
        places, cells = np.flatnonzero(is_numeric), self._cells_of(is_numeric)
        stack = stack_of(grid.columns[place].size for place in places)
        numeric = NumericReference(self.reference[cells], stack)
        return Baseline(grid, self.reference, groups, places, cells, numeric)

    @cached_property
    def _by_groups(self) -> NDArray[np.int64]:
        """The columns that are tested by their groups."""
        columns = zip(self.grid.columns, self.grid.split(self.reference), strict=True)
        return np.flatnonzero(
            [isinstance(cells, CategoricalCells) or is_constant(own) for cells, own in columns]
        )

    @cached_property
    def _cells_of_groups(self) -> NDArray[np.int64]:
        """The flat places of these columns' cells."""
        return self._cells_of(np.isin(np.arange(len(self.grid.columns)), self._by_groups))

    @cached_property
    def _categorical(self) -> ChiSquaredTest:
        return ChiSquaredTest(self._baseline.groups.only(self._by_groups, self._cells_of_groups))

    def _cells_of(self, columns: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.flatnonzero(np.repeat(columns, np.diff(self.grid.starts)))

    @cached_property
    def _numeric(self) -> KolmogorovTest | CramerTest:
        return NUMERIC_TESTS[self.settings.method](self._baseline.numeric)

    @cached_property
    def _gauges(self) -> Mapping[str, Gauge]:
        return gauges(self.settings.measures, self._baseline, self.moments)


_UNSEEN = np.array([np.nan, np.nan, 0.0, 1.0, np.nan, 0.0, 1.0])
"""Of a column that nobody observed; fields as in `Comparisons`."""
