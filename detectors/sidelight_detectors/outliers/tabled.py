"""Scores that are a table of the cells: what each column's cell gives, summed over columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import ColumnCells, Counts
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.scorer import Arrays, Scores

UNIT = 2.0**32
"""Scores are whole numbers of 1/UNIT nats, so that sums do not depend on their order."""


@dataclass(frozen=True, eq=False)
class Tabled(ABC):
    """A scorer that knows a row by its cells alone: exact in any batch.

    Parameters
    ----------
    counts:
        Flat counts of the reference rows, ``(cells,)``.
    """

    grid: Grid
    features: int
    counts: Counts

    @abstractmethod
    def nats(self, column: ColumnCells, counts: Counts) -> NDArray[np.float64]:
        """What each cell of a feature gives, ``(column.size,)``; `counts` are its own."""

    def scores(self, rows: Indexed) -> Scores:
        return np.asarray(self._parts(rows).sum(axis=1) / UNIT)

    def contributions(self, rows: Indexed, scores: Scores) -> NDArray[np.float64]:
        return self._parts(rows) / UNIT

    def pack(self) -> Arrays:
        return {"counts": self.counts}

    def _parts(self, rows: Indexed) -> NDArray[np.int64]:
        return self._table.take(self.grid.places(rows.cells))

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        """Shape ``(cells + 1,)``; the last is of a column that was not observed and is 0."""
        nats = np.zeros(self.grid.size + 1)
        parts = self.grid.split(self.counts)
        for position in range(self.features):
            begin, end = self.grid.starts[position : position + 2]
            nats[begin:end] = self.nats(self.grid.columns[position], parts[position])
        return np.rint(nats * UNIT).astype(np.int64)
