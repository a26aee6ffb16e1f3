"""Shares of rows that speak for themselves: missing, never seen, other than the one known value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import CategoricalCells, ColumnCells, Counts, NumericCells
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
        return difference_of_shares(hits, view.rows, self.expected, self.rows)


def difference_of_shares(hits: Floats, n: Counts, expected: Floats, m: Counts) -> Measured:
    """The first share, and the difference to the second with Newcombe's bounds.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), method 10: Wilson's intervals of both, combined.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ours, theirs = hits / n, expected / m
        (low_ours, high_ours), (low_theirs, high_theirs) = _wilson(ours, n), _wilson(theirs, m)
    effect = ours - theirs
    low = effect - np.hypot(ours - low_ours, high_theirs - theirs)
    high = effect + np.hypot(high_ours - ours, theirs - low_theirs)
    return Measured(np.where(m > 0, ours, np.nan), effect, low, high, np.zeros_like(effect))


def _wilson(share: Floats, n: Counts) -> tuple[Floats, Floats]:
    square = NORMAL**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = NORMAL * np.sqrt(share * (1 - share) / n + square / (4.0 * n**2)) / (1 + square / n)
    return middle - half, middle + half


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
    return np.count_nonzero(counts) == 1


def _share(baseline: Baseline, cells: list[NDArray[np.int64]], beside: Floats) -> Share:
    lengths = [len(own) for own in cells]
    column = np.repeat(np.arange(len(cells)), lengths)
    flat = np.concatenate(cells) + baseline.grid.starts[column]
    expected = np.bincount(column, baseline.counts[flat], len(cells)) + beside
    rows = np.array([own.sum() for own in baseline.grid.split(baseline.counts)])
    return Share(flat, column, expected, np.where(lengths, rows, 0))


def _missing(column: ColumnCells) -> NDArray[np.int64]:
    if isinstance(column, NumericCells):
        return np.arange(column.missing.start, column.missing.stop)
    assert isinstance(column, CategoricalCells)
    return np.array([column.null])


def _never_seen(column: ColumnCells) -> NDArray[np.int64]:
    if isinstance(column, NumericCells):
        return np.unique([0, column.missing.start - 1])
    assert isinstance(column, CategoricalCells)
    return np.array([column.other])


def _seen_once(column: ColumnCells, counts: Counts) -> float:
    if isinstance(column, NumericCells):
        numbers = counts[: column.missing.start]
        ends = np.unique([1, len(numbers) - 2]) if len(numbers) > 1 else np.empty(0, np.int64)
        return float((numbers[ends] == 1).sum())
    assert isinstance(column, CategoricalCells)
    return float((counts[: column.other] == 1).sum())
