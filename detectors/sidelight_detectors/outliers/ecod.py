"""ECOD: how far out in the tails of the reference a row lies, column by column.

Zheng Li, Yue Zhao, Xiyang Hu, Nicola Botta, Cezar Ionescu, George Chen: "ECOD: Unsupervised Outlier
Detection Using Empirical Cumulative Distribution Functions", IEEE TKDE 2022, arXiv:2201.00382.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import ColumnCells, Counts, NumericCells
from sidelight_detectors.grid import Grid
from sidelight_detectors.outliers.scorer import Arrays, Fitting, Method, Scores
from sidelight_detectors.outliers.tabled import Tabled
from sidelight_detectors.packing import integers


@dataclass(frozen=True, eq=False)
class Ecod(Tabled):
    """The rarer tail of each cell, summed over columns.

    For a value z of a numeric column, with probabilities over the reference rows and this row
    itself, a column gives ``-log min(P(X <= z), P(X >= z))``. (The paper's algorithm takes the
    larger of whole rows' left and right sums; its authors' own code, PyOD's, takes the larger tail
    column by column, and finds more: `benchmarks.outliers`.) Within a coarse gap the whole gap
    counts, which understates the tail by at most the gap's mass. Categories, NaN and null have no
    order: ``-log`` of their share. What the reference never held scores ``log(n + 1)``, the most a
    column can give.

    Sees: single values that are rare or extreme, and many mild ones. Misses: ordinary values in an
    impossible combination; how far beyond the range a value lies.

    Parameters
    ----------
    itself:
        1 for rows that are not among the counts, 0 for rows that are.
    """

    itself: int = 1

    def nats(self, column: ColumnCells, counts: Counts) -> NDArray[np.float64]:
        nats = self._surprise(counts, counts.sum())
        if isinstance(column, NumericCells):
            ordered = counts[: column.missing.start]
            tail = np.minimum(np.cumsum(ordered), np.cumsum(ordered[::-1])[::-1])
            nats[: len(ordered)] = self._surprise(tail, ordered.sum())
        return nats

    def _surprise(self, counts: Counts, total: np.int64) -> NDArray[np.float64]:
        return -np.log(np.maximum(counts + self.itself, 1) / (total + 1))


def _fit(fitting: Fitting) -> Ecod:
    return Ecod(fitting.grid, fitting.features, fitting.grid.count(fitting.rows.cells))


def _unpack(arrays: Arrays, grid: Grid, features: int) -> Ecod:
    return Ecod(grid, features, integers(arrays["counts"], grid.size))


def _left_out(scorer: Ecod, fitting: Fitting) -> Scores:
    """Never less than with a further row among the others, so that p-values hold for that row."""
    return replace(scorer, itself=0).scores(fitting.rows)


METHOD = Method(_fit, _unpack, _left_out)
