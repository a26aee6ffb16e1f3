"""HBOS: how low the reference's histograms are where a row lies, column by column.

Markus Goldstein, Andreas Dengel: "Histogram-based Outlier Score (HBOS)", KI-2012 Poster and Demo
Track, 2012.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import ColumnCells, Counts, NumericCells
from sidelight_detectors.grid import Grid
from sidelight_detectors.outliers.scorer import Arrays, Fitting, Method
from sidelight_detectors.outliers.tabled import Tabled
from sidelight_detectors.packing import integers

BINS = 8
"""Bins of equal width between the smallest and the largest value."""


@dataclass(frozen=True, eq=False)
class Hbos(Tabled):
    """Surprise of each cell against its column's highest bin, for one reference.

    A column gives ``log((highest + 1) / (count + 1))`` for the bin its cell's middle lies in;
    beyond the range the count is 0. A category, NaN and null are bins of their own.

    Sees: rare values, also in a gap between two humps. Misses: ordinary values in an impossible
    combination; all that happens within a bin, so long tails squeeze the rest into one.
    """

    def nats(self, column: ColumnCells, counts: Counts) -> NDArray[np.float64]:
        binned = _binned(column, counts) if isinstance(column, NumericCells) else counts
        nats: NDArray[np.float64] = np.log((binned.max(initial=0) + 1) / (binned + 1))
        return nats


def _binned(column: NumericCells, counts: Counts) -> Counts:
    """The rows in the bin of each cell; NaN and null keep their own."""
    finite = column.points[np.isfinite(column.points)]
    if len(finite) < 2:
        return counts
    with np.errstate(over="ignore", invalid="ignore"):
        middles = np.append(np.repeat(column.points, 2)[1:], column.points[-1])
        middles[1:-1:2] = column.points[:-1] / 2 + column.points[1:] / 2
        share = (middles / 2 - finite[0] / 2) / (finite[-1] / 2 - finite[0] / 2)
        own = np.clip(np.nan_to_num(share * BINS), 0, BINS - 1).astype(np.intp)
    inner = counts[1 : column.missing.start - 1]
    heights = np.bincount(own[: len(inner)], inner, BINS).astype(np.int64)
    outside = np.zeros(1, np.int64)
    return np.concatenate([outside, heights[own[: len(inner)]], outside, counts[column.missing]])


def _fit(fitting: Fitting) -> Hbos:
    return Hbos(fitting.grid, fitting.features, fitting.grid.count(fitting.rows.cells))


def _unpack(arrays: Arrays, grid: Grid, features: int) -> Hbos:
    return Hbos(grid, features, integers(arrays["counts"], grid.size))


METHOD = Method(_fit, _unpack)
