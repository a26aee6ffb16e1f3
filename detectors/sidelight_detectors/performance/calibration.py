"""From the cell of a probability to the probability it turned out to be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from sidelight_detectors.cells import Counts, NumericCells

UNIT = 1 << 32
"""Fixed-point steps of a probability of 1."""


def isotonic(cells: NumericCells, rows: Counts, positive: Counts) -> NDArray[np.int64]:
    """Calibrated probability of each cell in 1/`UNIT`, ``(cells,)``; 0 for NaN and null.

    The largest likelihood among probabilities that do not fall with the model's. A cell without
    reference rows has the mean of its neighbours.

    Parameters
    ----------
    rows, positive:
        Reference rows in each cell, and how many of them are of the class.
    """
    ordered = slice(0, cells.missing.start)
    filled = np.flatnonzero(rows[ordered])
    shares = positive[filled] / rows[filled]
    fitted = isotonic_regression(shares, weights=rows[filled].astype(float)).x
    above = np.searchsorted(filled, np.arange(ordered.stop)).clip(0, len(filled) - 1)
    below = (np.searchsorted(filled, np.arange(ordered.stop), side="right") - 1).clip(0)
    return _fixed((fitted[above] + fitted[below]) / 2, cells.size)


def identity(cells: NumericCells) -> NDArray[np.int64]:
    """The probability itself: of a gap the middle; beyond the points the nearest of 0 and 1."""
    ends = np.concatenate([[0.0], cells.points, [1.0]]).clip(0, 1)
    middles = (ends[1:] + ends[:-1]) / 2
    values = np.empty(2 * len(cells.points) + 1)
    values[::2], values[1::2] = middles, cells.points.clip(0, 1)
    return _fixed(values, cells.size)


def _fixed(values: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    table = np.zeros(size, np.int64)
    table[: len(values)] = np.rint(values * UNIT)
    return table
