"""Which rows are typical of a change: those far more usual in the window than in the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import CellIndex, ColumnCells, Counts, NumericCells
from sidelight_detectors.grid import UNOBSERVED, Grid

BANDS = 20
"""Bands of the number line, alike in reference rows, whose shares are compared: cells of a window
hold too few rows each."""


def log_ratios(
    grid: Grid,
    reference: Counts,
    window: Counts,
    columns: Sequence[str],
    rows: CellIndex,
) -> NDArray[np.float64]:
    """For each row how much more usual its values are in the window.

    Parameters
    ----------
    reference, window:
        Shape ``(grid.size,)``: flat counts.
    columns:
        The columns that count; those of the grid.
    rows:
        Shape ``(n, F)``: cells of the rows; -1 where a column was not observed.

    Returns
    -------
    Shape ``(n,)``: the sum over these columns of ``log(window share / reference share)`` of the
    band or category a value is in, each share with one row added to every band.
    """
    found = np.zeros(len(rows))
    both = grid.split(reference), grid.split(window)
    for place, column in enumerate(grid.columns):
        if column.name in columns:
            table = _table(column, *(counts[place] for counts in both))
            cells = rows[:, place]
            found += np.where(cells == UNOBSERVED, 0.0, table[cells])
    return found


def _table(column: ColumnCells, reference: Counts, window: Counts) -> NDArray[np.float64]:
    """The logarithm for each cell of a column."""
    bands = _bands(column, reference)
    size = int(bands.max()) + 1
    seen, known = (np.bincount(bands, counts, size) + 1 for counts in (window, reference))
    ratios = np.log(seen / seen.sum()) - np.log(known / known.sum())
    return np.asarray(ratios[bands], np.float64)


def _bands(column: ColumnCells, reference: Counts) -> NDArray[np.intp]:
    """The band of each cell; NaN, null and categories are bands of their own."""
    if not isinstance(column, NumericCells):
        return np.arange(column.size)
    numbers = reference[: column.missing.start]
    middles = np.cumsum(numbers) - numbers / 2
    bands = np.minimum(BANDS * middles // max(numbers.sum(), 1), BANDS - 1).astype(np.intp)
    return np.append(bands, [BANDS, BANDS + 1])
