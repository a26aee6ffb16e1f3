"""Two windows against each other: one test a column, as against a reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import CategoricalCells, Counts
from sidelight_detectors.contract import ColumnFinding, DriftFinding
from sidelight_detectors.drift.chi_squared import ChiSquaredTest
from sidelight_detectors.drift.comparison import Comparisons
from sidelight_detectors.drift.effect import kolmogorov_effects
from sidelight_detectors.drift.groups import NEW, RARE, Groups, fit_groups
from sidelight_detectors.drift.judge import SMALLEST_P
from sidelight_detectors.drift.kolmogorov import KolmogorovTest
from sidelight_detectors.drift.naming import critical_p
from sidelight_detectors.drift.numeric import NumericReference, NumericWindow
from sidelight_detectors.drift.stack import stack_of
from sidelight_detectors.grid import Grid
from sidelight_detectors.spending import spend
from sidelight_detectors.summary import Summary

Floats = NDArray[np.float64]
Pair = tuple[Counts, Counts]

_UNSEEN = np.array([np.nan, np.nan, 0.0, 1.0, np.nan, 0.0, 1.0])
"""Of a column that one of them did not observe; fields as in `Comparisons`."""


@dataclass(frozen=True, eq=False)
class WindowsJudge:
    """Whether two windows are of one distribution: Kolmogorov-Smirnov and chi-squared.

    Comparison k may err by ``6 alpha / (pi^2 k^2)``, divided by the number of columns. Both windows
    are samples: the two-sample tests hold over the draw of both. Which categories are rare is
    decided by the reference, which is in neither.

    Parameters
    ----------
    reference:
        Flat counts of the reference in the grid's cells.
    window:
        Rows of a window, for the pooling of rare categories.
    """

    grid: Grid
    reference: Counts
    window: int
    alpha: float
    tolerance: float

    def judge(self, one: Summary, other: Summary, number: int) -> DriftFinding:
        """Window `one` against `other`; `number` counts comparisons from 1."""
        alpha = spend(self.alpha, number)
        rows = [np.add.reduceat(each.counts, self.grid.starts[:-1]) for each in (one, other)]
        seen = (rows[0] > 0) & (rows[1] > 0)
        tested = self._compare((self._filled(one, seen), self._filled(other, seen)))
        tested[:, ~seen] = _UNSEEN[:, None]
        found = Comparisons(*tested)
        np.maximum(found.p_value, SMALLEST_P, out=found.p_value)
        critical = critical_p(found.p_value, alpha, "bonferroni")
        with np.errstate(invalid="ignore"):
            drifted = (found.p_value <= critical) & (found.size > self.tolerance)
        counted = np.where(seen, rows[0], 0).tolist()
        lines = zip(
            self.grid.names,
            self._methods,
            *found.table[:4].tolist(),
            repeat(critical),
            drifted.tolist(),
            counted,
            *found.table[4:].tolist(),
        )
        columns = tuple(ColumnFinding(*line) for line in lines)
        return DriftFinding(one.rows, other.rows, number, alpha, self.tolerance, columns)

    def _filled(self, window: Summary, seen: NDArray[np.bool_]) -> Counts:
        """Its counts; what is not compared is the reference in both."""
        if seen.all():
            return window.counts
        return np.where(np.repeat(seen, np.diff(self.grid.starts)), window.counts, self.reference)

    def _compare(self, pair: Pair) -> Floats:
        tested = np.full((7, len(self.grid.columns)), np.nan)
        is_numeric = self._is_numeric
        if is_numeric.any():
            tested[:, is_numeric] = self._numeric(pair).table
        if not is_numeric.all():
            tested[:, ~is_numeric] = self._categorical(pair).table
        return tested

    def _numeric(self, pair: Pair) -> Comparisons:
        """D exceeds what cells show by at most the smaller of both shares in one gap.

        From one end of a gap to the other the distribution function of either window rises by its
        share there, so between them they differ by at most what they do at an end and the smaller
        rise.
        """
        cells = np.repeat(self._is_numeric, np.diff(self.grid.starts))
        ours, theirs = (counts[cells] for counts in pair)
        sizes = np.diff(self.grid.starts)[self._is_numeric]
        reference = NumericReference(theirs, stack_of(sizes))
        window = NumericWindow(ours, reference)
        found = KolmogorovTest(reference).compare(window)
        stack = reference.stack
        shares = np.minimum(ours / stack.spread(window.rows), theirs / stack.spread(reference.rows))
        error = stack.largest(np.where(reference.gaps, shares, 0.0))
        effects = kolmogorov_effects(
            found.distance, error, window.rows.astype(float), reference.rows.astype(float)
        )
        names = ("size", "low", "high")
        return replace(found, error=error, **dict(zip(names, effects, strict=True)))

    def _categorical(self, pair: Pair) -> Comparisons:
        groups, cells = self._groups, np.repeat(~self._is_numeric, np.diff(self.grid.starts))
        ours, theirs = (counts[cells] for counts in pair)
        counted = [groups.count(counts) for counts in (ours, theirs)]
        pools = np.add.outer(groups.stack.starts, (NEW, RARE))
        shares = [counts[pools].sum(axis=1) / groups.stack.total(counts) for counts in counted]
        compared = replace(groups, reference=counted[1], pooled=np.minimum(*shares))
        return ChiSquaredTest(compared).compare(ours)

    @cached_property
    def _is_numeric(self) -> NDArray[np.bool_]:
        return np.array([not isinstance(one, CategoricalCells) for one in self.grid.columns])

    @cached_property
    def _methods(self) -> tuple[str, ...]:
        return tuple("ks" if is_numeric else "chi2" for is_numeric in self._is_numeric)

    @cached_property
    def _groups(self) -> Groups:
        """Of the categorical columns."""
        groups = fit_groups(self.grid, self.reference, self.reference, self.window)
        is_cell = np.repeat(~self._is_numeric, np.diff(self.grid.starts))
        return groups.only(np.flatnonzero(~self._is_numeric), np.flatnonzero(is_cell))
