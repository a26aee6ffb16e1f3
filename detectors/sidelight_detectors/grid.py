"""The cells of all watched columns side by side, and counting in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column
from sidelight_detectors.cells import CellIndex, ColumnCells, Counts

UNOBSERVED = -1
"""The cell of a row whose column was not seen at all; it is counted nowhere."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Columns of cells. Counts of all columns lie in one flat vector, column after column."""

    columns: tuple[ColumnCells, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Shape ``(F + 1,)``: where each column's cells begin in the flat vector, and its end."""
        return np.concatenate([[0], np.cumsum([column.size for column in self.columns])])

    @property
    def size(self) -> int:
        return int(self.starts[-1])

    def index(self, columns: Sequence[Column | None], rows: int) -> CellIndex:
        """Shape ``(rows, F)``; None stands for a column that was not observed."""
        # One column after the other in memory: each is written and read as a whole.
        cells = np.full((len(self.columns), rows), UNOBSERVED, np.int32)
        for line, known, column in zip(cells, self.columns, columns, strict=True):
            if column is not None:
                line[:] = known.index(column)
        return cells.T

    def places(self, cells: CellIndex) -> NDArray[np.int64]:
        """Each cell's place in the flat vector, ``(n, F)``; `size` where it was not observed."""
        places = cells + self.starts[:-1]
        if cells.size and cells.min() < 0:
            places[cells < 0] = self.size
        return places

    def count(self, cells: CellIndex) -> Counts:
        """The flat vector of counts, ``(size,)`` int64."""
        places = self.places(cells).ravel(order="K")
        return np.bincount(places, minlength=self.size + 1)[:-1].astype(np.int64, copy=False)

    def split(self, counts: Counts) -> list[Counts]:
        """The flat vector cut into one vector of counts a column (views)."""
        return np.split(counts, self.starts[1:-1])
