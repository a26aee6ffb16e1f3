"""Cells as points of a space in which rows have distances.

A number is its normal score in the reference, so neither units nor far values weigh; a category, a
null and a NaN lie one unit out on an axis of their own. Two rows that differ in one category are
then as far apart as two that differ by 1.4 standard deviations in one number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sidelight_detectors.cells import CellIndex, ColumnCells, Counts, NumericCells
from sidelight_detectors.grid import Grid
from sidelight_detectors.split import shuffled

UNIT = 128
"""Integer steps of one standard deviation."""

LIMIT = 3.0
"""Standard deviations beyond which scores are cut: no row weighs more than the 1.3 in 1,000."""

MEDIAN_ROWS = 1000
"""Reference rows whose distances give the bandwidth."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """The points of all cells of some columns.

    Parameters
    ----------
    columns:
        Which columns of the grid take part.
    scores:
        For each of them the normal score of each cell in 1/`UNIT`, ``(cells,)`` int64; 0 where the
        cell lies on an axis of its own.
    axes:
        For each of them whether a cell has an axis of its own, ``(cells,)``.
    """

    columns: tuple[int, ...]
    scores: tuple[NDArray[np.int64], ...]
    axes: tuple[NDArray[np.bool_], ...]

    def complete(self, cells: CellIndex) -> CellIndex:
        """The cells of these columns, ``(n', F')``, of the rows where all were observed."""
        own = cells[:, self.columns]
        seen = (own >= 0).all(axis=1)
        return own if seen.all() else own[seen]

    def score(self, own: CellIndex) -> NDArray[np.int64]:
        """Normal scores ``(n, F')`` in 1/`UNIT` of what `complete` gave; 0 on an own axis."""
        scores: NDArray[np.int64] = np.empty((len(self.columns), len(own)), np.int64)
        for line, table, cells in zip(scores, self.scores, own.T, strict=True):
            table.take(cells, out=line, mode="clip")
        return scores.T

    def points(self, own: CellIndex) -> NDArray[np.float64]:
        """Coordinates ``(n, d)`` whose distances are those of the rows: for exact kernels.

        Only axes on which one of these rows lies are given; the others are zero.
        """
        lines = [self.score(own) / UNIT]
        for axes, cells in zip(self.axes, own.T, strict=True):
            used = [cell for cell in np.unique(cells) if axes[cell]]
            lines.append((cells[:, None] == np.array(used, int)).astype(float))
        return np.concatenate(lines, axis=1)

    def squared_distances(self, own: CellIndex) -> NDArray[np.int64]:
        """Between all pairs of rows, ``(n, n)``, in 1/`UNIT` squared; whole numbers."""
        scores = self.score(own).astype(float)
        squares = (scores**2).sum(axis=1)
        total: NDArray[np.float64] = squares[:, None] + squares - 2 * scores @ scores.T
        for axes, cells in zip(self.axes, own.T, strict=True):
            away = axes[cells].astype(float)
            differ = cells[:, None] != cells
            total += UNIT**2 * differ * (away[:, None] + away)
        return total.astype(np.int64)


def fit_embedding(grid: Grid, counts: Counts, columns: tuple[int, ...]) -> Embedding:
    """Of these columns of the grid, from the reference's flat counts."""
    parts = grid.split(counts)
    points = [_points(grid.columns[place], parts[place]) for place in columns]
    return Embedding(columns, tuple(p[0] for p in points), tuple(p[1] for p in points))


def median_distance(embedding: Embedding, own: CellIndex) -> int:
    """Median squared distance of pairs of (some of) these rows, in 1/`UNIT` squared; above 0."""
    some = own[shuffled(len(own))[:MEDIAN_ROWS]]
    distances = embedding.squared_distances(some)[np.triu_indices(len(some), 1)]
    if not len(distances):
        return UNIT**2
    median = int(np.partition(distances, len(distances) // 2)[len(distances) // 2])
    # More than half of the pairs may be equal; then the mean says how far the others are.
    return median or max(int(distances.mean()), UNIT**2)


def _points(column: ColumnCells, counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    axes, scores = np.ones(column.size, bool), np.zeros(column.size, np.int64)
    if isinstance(column, NumericCells):
        ordered = slice(0, column.missing.start)
        axes[ordered] = False
        scores[ordered] = normal_scores(counts[ordered])
    return scores, axes


def normal_scores(counts: Counts) -> NDArray[np.int64]:
    """Of cells in their order, from the rank in the middle of each; in 1/`UNIT`."""
    middle = np.cumsum(counts) - counts / 2
    scores = np.clip(ndtri((middle + 0.5) / (counts.sum() + 1)), -LIMIT, LIMIT)
    steps: NDArray[np.float64] = np.rint(scores * UNIT)
    return steps.astype(np.int64)
