"""Shares of rows that speak for themselves: missing, never seen, other than the one known value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import ColumnCells, Counts, NumericCells
from sidelight_detectors.drift.effect import NORMAL
from sidelight_detectors.drift.measures.measured import Baseline, Measured, View

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Share:
    """The share of rows in some cells, against the reference's.

    Parameters
    ----------
    cells:
        Flat places in the grid, column after column.
    column:
        The column of each of them.
    expected, rows:
        Shape ``(F,)``: reference rows that count, of how many. No rows: the column has no such
        measure.
    """

    cells: NDArray[np.int64]
    column: NDArray[np.int64]
    expected: Floats
    rows: Counts

    def measure(self, view: View) -> Measured:
        hits = np.bincount(self.column, view.counts[self.cells], len(self.rows))
        return difference_of_shares(Proportion(hits, view.rows), self._reference)

    @cached_property
    def _reference(self) -> Proportion:
        return Proportion(self.expected, self.rows)


def difference_of_shares(ours: Proportion, theirs: Proportion) -> Measured:
    """The first share, and the difference to the second with Newcombe's bounds.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), method 11: Wilson's intervals of both, combined.
    """
    effect = ours.share - theirs.share
    low = effect - np.hypot(ours.below, theirs.above)
    high = effect + np.hypot(ours.above, theirs.below)
    # A column without such a measure has a reference of no rows.
    value = np.where(theirs.rows > 0, ours.share, np.nan)
    return Measured(value, effect, low, high, np.zeros_like(effect))


@dataclass(frozen=True, eq=False)
class Proportion:
    """Shares `hits` of `rows`, ``(F,)``, and how far the bounds lie below and above them.

    Wilson's interval with the correction for continuity: a few rows are far from normal.
    """

    hits: NDArray[Any]
    rows: Counts

    @cached_property
    def share(self) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.asarray(self.hits / self.rows, np.float64)

    @cached_property
    def below(self) -> Floats:
        return self._margin(self.share)

    @cached_property
    def above(self) -> Floats:
        return self._margin(1 - self.share)

    def _margin(self, share: Floats) -> Floats:
        """From the share down to its lower bound, never below 0."""
        square, n = NORMAL**2, np.maximum(self.rows, 1)
        root = np.sqrt(np.maximum(square - 2 - 1 / n + 4 * share * (n * (1 - share) + 1), 0.0))
        low = (2 * n * share + square - 1 - NORMAL * root) / (2 * (n + square))
        return np.maximum(share - np.maximum(low, 0.0), 0.0)


def missing(baseline: Baseline) -> Share:
    """Null, and NaN in a numeric column."""
    found = [_missing(column) for column in baseline.grid.columns]
    return _share(baseline, found, np.zeros(len(found)))


def new(baseline: Baseline) -> Share:
    """Never seen: categories without a cell, and numbers beyond the reference's range.

    What to expect by chance is the share of reference rows that would be new if they were left out
    of it (Good and Turing): categories seen once, an extreme held by one row.
    """
    columns = baseline.grid.columns
    counts = baseline.grid.split(baseline.counts)
    once = [_seen_once(*pair) for pair in zip(columns, counts, strict=True)]
    return _share(baseline, [_never_seen(column) for column in columns], np.array(once))


def constant(baseline: Baseline) -> Share:
    """Rows that differ from the only value of the reference; of columns that have only one."""
    counts = baseline.grid.split(baseline.counts)
    empty = np.empty(0, np.int64)
    others = [np.flatnonzero(own == 0) if is_constant(own) else empty for own in counts]
    return _share(baseline, others, np.zeros(len(others)))


def is_constant(counts: Counts) -> bool:
    """Whether all rows of the column lie in one cell."""
    return int(np.count_nonzero(counts)) == 1


def _share(baseline: Baseline, cells: list[NDArray[np.int64]], beside: Floats) -> Share:
    lengths = [len(own) for own in cells]
    column = np.repeat(np.arange(len(cells)), lengths)
    flat = np.concatenate(cells) + baseline.grid.starts[column]
    expected = np.bincount(column, baseline.counts[flat], len(cells)) + beside
    rows = np.array([own.sum() for own in baseline.grid.split(baseline.counts)])
    return Share(flat, column, expected, np.where(lengths, rows, 0))


def _missing(column: ColumnCells) -> NDArray[np.int64]:
    missing = 2 if isinstance(column, NumericCells) else 1
    return np.arange(column.size - missing, column.size)


def _never_seen(column: ColumnCells) -> NDArray[np.int64]:
    if isinstance(column, NumericCells):
        return np.unique([0, column.missing.start - 1])
    return np.array([column.size - 2])


def _seen_once(column: ColumnCells, counts: Counts) -> float:
    if isinstance(column, NumericCells):
        numbers = counts[: column.missing.start]
        ends = np.unique([1, len(numbers) - 2]) if len(numbers) > 1 else np.empty(0, np.int64)
        return float((numbers[ends] == 1).sum())
    return float((counts[:-2] == 1).sum())
