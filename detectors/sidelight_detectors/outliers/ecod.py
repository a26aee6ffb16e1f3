"""ECOD: how far out in the tails of the reference a row lies, column by column.

Zheng Li, Yue Zhao, Xiyang Hu, Nicola Botta, Cezar Ionescu, George Chen: "ECOD: Unsupervised Outlier
Detection Using Empirical Cumulative Distribution Functions", IEEE TKDE 2022, arXiv:2201.00382.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import Counts, NumericCells
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.scorer import Arrays, Fitting, Method, Scores
from sidelight_detectors.packing import integers

UNIT = 2.0**32
"""Scores are whole numbers of 1/UNIT nats, so that sums do not depend on their order."""


@dataclass(frozen=True, eq=False)
class Ecod:
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
    counts:
        Flat counts of the reference rows, ``(cells,)``.
    itself:
        1 for rows that are not among these counts, 0 for rows that are.
    """

    grid: Grid
    features: int
    counts: Counts
    itself: int = 1

    def scores(self, rows: Indexed) -> Scores:
        return np.asarray(self._parts(rows).sum(axis=1) / UNIT)

    def contributions(self, rows: Indexed, scores: Scores) -> NDArray[np.float64]:
        return self._parts(rows) / UNIT

    def pack(self) -> Arrays:
        return {"counts": self.counts}

    def _parts(self, rows: Indexed) -> NDArray[np.int64]:
        return self._tails.take(self.grid.places(rows.cells))

    @cached_property
    def _tails(self) -> NDArray[np.int64]:
        """Shape ``(cells + 1,)``; the last is of a column that was not observed and is 0."""
        nats = np.zeros(self.grid.size + 1)
        parts = self.grid.split(self.counts)
        for position in range(self.features):
            column, counts = self.grid.columns[position], parts[position]
            begin, end = self.grid.starts[position : position + 2]
            nats[begin:end] = self._surprise(counts, counts.sum())
            if isinstance(column, NumericCells):
                ordered = counts[: column.missing.start]
                tail = np.minimum(np.cumsum(ordered), np.cumsum(ordered[::-1])[::-1])
                nats[begin : begin + len(ordered)] = self._surprise(tail, ordered.sum())
        return np.rint(nats * UNIT).astype(np.int64)

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
