"""Where a column is watched: a few sets of its values, each a run of neighbouring cells.

A numeric column is cut on the number line: the share of rows at or below a cut, from below the
smallest reference value to above the largest, missing values last. A categorical column is taken
apart: the share of each of its commonest categories, of null, and of values never seen before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import CategoricalCells, Counts, NumericCells
from sidelight_detectors.grid import Grid

LEVELS = 24
"""Cuts of a numeric column, at most, and three for the ends of its range and missing values."""

CATEGORIES = 62
"""Categories of a column watched one by one, the commonest; beside null and never seen."""


class Sort(IntEnum):
    """What a cut is, which decides how well the reference knows its share."""

    ORDERED = 0
    """All values up to a point."""
    SINGLE = 1
    """One value."""
    UNSEEN = 2
    """All values that the reference does not have."""


@dataclass(frozen=True, eq=False)
class Cuts:
    """Sets of values of columns.

    Parameters
    ----------
    names:
        The columns, F of them.
    starts:
        Shape ``(F + 1,)``: where each column's cells begin in the flat vector, and its end.
    column, first, end, sort:
        Shape ``(C,)``: the cut's column, its first cell and the one after its last in the flat
        vector, and its `Sort`.
    """

    names: tuple[str, ...]
    starts: NDArray[np.int64]
    column: NDArray[np.int64]
    first: NDArray[np.int64]
    end: NDArray[np.int64]
    sort: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.column)

    def count(self, counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows in each cut, and rows in which its column was observed; both ``(C,)``."""
        before = np.concatenate([[0], np.cumsum(counts)])
        observed = np.diff(before[self.starts])
        return before[self.end] - before[self.first], observed[self.column]


def cuts_of(grid: Grid, reference: Counts, levels: int = LEVELS) -> Cuts:
    """The cuts of a grid's columns, chosen by the flat counts of the reference in its cells.

    `levels` of a numeric column and the ends of its range.
    """
    chosen = [
        (number, start + first, start + end, sort)
        for number, (cells, counts) in enumerate(
            zip(grid.columns, grid.split(reference), strict=True)
        )
        for start in [int(grid.starts[number])]
        for first, end, sort in _of_column(cells, counts, levels)
    ]
    table = np.array(chosen, np.int64).reshape(-1, 4).T
    return Cuts(grid.names, grid.starts, *table)


def _of_column(cells: object, counts: Counts, levels: int) -> list[tuple[int, int, int]]:
    if not counts.any():
        return []
    if isinstance(cells, CategoricalCells):
        return _of_categories(cells, counts)
    if isinstance(cells, NumericCells):
        return [(0, end, Sort.ORDERED) for end in _ends(cells, counts, levels)]
    raise TypeError(f"no cuts are known for {type(cells).__name__}")


def _of_categories(cells: CategoricalCells, counts: Counts) -> list[tuple[int, int, int]]:
    known = counts[: cells.other]
    commonest = np.sort(np.lexsort((np.arange(len(known)), -known))[:CATEGORIES])
    single = [(int(cell), int(cell) + 1, Sort.SINGLE) for cell in (*commonest, cells.null)]
    return [*single, (cells.other, cells.other + 1, Sort.UNSEEN)]


def _ends(cells: NumericCells, counts: Counts, levels: int) -> list[int]:
    """Cells in the chosen beginnings of the number line, denser where shares are near 0 or 1."""
    points, shares = len(cells.points), np.cumsum(counts) / counts.sum()
    ends = {1, 2 * points, 2 * points + 1} - {0}
    if points:
        candidates = 2 * np.arange(1, points + 1)
        targets = np.sin(np.linspace(0, np.pi / 2, levels + 2)[1:-1]) ** 2
        nearest = np.searchsorted(shares[candidates - 1], targets)
        ends.update(candidates[np.minimum(nearest, points - 1)].tolist())
    return sorted(ends)
