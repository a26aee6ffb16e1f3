"""Cells put together into few groups a column, for what needs every group to be counted often.

A categorical column has a group for each category that a window should hold often, one for *rare*
and one for *new* ones. One fifth of the reference decides: a category it expects fewer than
`MIN_EXPECTED` times in a window is pooled with the other *rare* ones; one it does not hold at all
is *new*, with every value that is not a known category; any other is a group of its own. Null is a
category. Windows are then compared with the other four fifths, because counts that had a say in
the grouping are no longer a fair sample (a thousand categories seen once make the next unseen one
quite ordinary). Where nothing is pooled, all of the reference is compared.

A numeric column has up to `BINS` groups with about the same share of the reference, and one for
NaN and null. Values beyond the reference's range belong to the outer groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import CategoricalCells, ColumnCells, Counts
from sidelight_detectors.drift.stack import Stack, stack_of
from sidelight_detectors.grid import Grid

BINS = 10
"""Groups of a numeric column."""

MIN_EXPECTED = 5.0
"""A category expected less often in a window is pooled with the other rare ones."""

GROUPING_SHARE = 0.2
"""Share of the reference rows that decide which categories are rare."""

NEW, RARE = 0, 1
"""The two pools of a categorical column; groups of one category follow."""


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of all columns, end to end.

    Parameters
    ----------
    of_cell:
        Shape ``(cells,)``: the group of each cell.
    reference:
        Shape ``(groups,)``: what windows are compared with.
    pooled:
        Shape ``(F,)``: the share of the reference in pools. The total variation over cells exceeds
        that over groups by at most this; 0 for numeric columns, whose groups are a choice.
    """

    of_cell: NDArray[np.int64]
    reference: Counts
    pooled: NDArray[np.float64]
    stack: Stack

    def count(self, counts: Counts) -> Counts:
        """The window's rows in each group, ``(groups,)``."""
        return np.bincount(self.of_cell, counts, len(self.reference)).astype(np.int64)

    def only(self, columns: NDArray[np.int64], cells: NDArray[np.int64]) -> Groups:
        """Of these columns, ascending, whose cells are `cells`."""
        owner = self.stack.spread(np.arange(len(self.stack.sizes)))
        kept = np.isin(owner, columns)
        renumbered = (np.cumsum(kept) - 1)[self.of_cell[cells]]
        stack = stack_of(self.stack.sizes[columns])
        return Groups(renumbered, self.reference[kept], self.pooled[columns], stack)


@dataclass(frozen=True, eq=False)
class Grouped:
    """One column: the group of each cell, and the reference's count in each group."""

    of_cell: NDArray[np.int64]
    reference: Counts
    pooled: float


def fit_groups(grid: Grid, reference: Counts, grouping: Counts, window: int) -> Groups:
    """Groups for windows of `window` rows; counts are flat in the grid's cells.

    Parameters
    ----------
    reference, grouping:
        All reference rows, and those of them that decide.
    """
    counts = zip(grid.split(reference), grid.split(grouping), strict=True)
    columns = [_grouped(*one, window) for one in zip(grid.columns, counts, strict=True)]
    stack = stack_of(len(column.reference) for column in columns)
    shifted = [one.of_cell + start for one, start in zip(columns, stack.starts, strict=True)]
    return Groups(
        np.concatenate(shifted),
        np.concatenate([column.reference for column in columns]),
        np.array([column.pooled for column in columns]),
        stack,
    )


def _grouped(column: ColumnCells, counts: tuple[Counts, Counts], window: int) -> Grouped:
    if isinstance(column, CategoricalCells):
        return group_categories(column, *counts, window)
    return group_numbers(counts[0])


def group_categories(
    cells: CategoricalCells, reference: Counts, grouping: Counts, window: int
) -> Grouped:
    """The groups of one categorical column."""
    expected = grouping * (window / max(grouping.sum(), 1))
    apart = (expected >= MIN_EXPECTED) & (grouping >= MIN_EXPECTED)
    apart[cells.other] = False
    alone = np.cumsum(apart) + RARE
    groups = np.where(apart, alone, np.where(grouping > 0, RARE, NEW))
    groups[cells.other] = NEW
    compared = reference - grouping if reference[~apart].any() else reference
    counts = np.bincount(groups, compared, alone[-1] + 1).astype(np.int64)
    pooled = counts[[NEW, RARE]].sum() / max(counts.sum(), 1)
    return Grouped(groups.astype(np.int64), counts, float(pooled))


def group_numbers(reference: Counts) -> Grouped:
    """The groups of one numeric column: each cell goes where the middle of its rows ranks."""
    numbers = reference[:-2]
    middles = np.cumsum(numbers) - numbers / 2
    bins = np.minimum(middles * (BINS / max(numbers.sum(), 1)), BINS - 1).astype(np.int64)
    groups = np.concatenate([np.unique(bins, return_inverse=True)[1] + 1, [0, 0]])
    counts = np.bincount(groups, reference).astype(np.int64)
    return Grouped(groups.astype(np.int64), counts, 0.0)
