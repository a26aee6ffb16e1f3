"""An array that rows are added to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LARGER = 1.25
"""What a full array grows by: the memory that is not used yet is at most a quarter."""


class Growing:
    """One kind of rows; `values` is a view that holds until more are added."""

    def __init__(self, kind: DTypeLike, *shape: int) -> None:
        self._array: NDArray[Any] = np.empty((0, *shape), kind)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> NDArray[Any]:
        return self._array[: self._size]

    @property
    def bytes(self) -> int:
        return self._array.nbytes

    def add(self, rows: NDArray[Any]) -> None:
        end = self._size + len(rows)
        if end > len(self._array):
            self._resize(max(end, round(end * LARGER)))
        self._array[self._size : end] = rows
        self._size = end

    def fill(self, count: int, value: Any) -> None:
        """So many rows of one value."""
        self.add(np.full((count, *self._array.shape[1:]), value, self._array.dtype))

    def drop(self, count: int) -> None:
        """Forget the first rows."""
        kept = self.values[count:].copy()
        self._array, self._size = kept, len(kept)

    def _resize(self, rows: int) -> None:
        larger = np.empty((rows, *self._array.shape[1:]), self._array.dtype)
        larger[: self._size] = self.values
        self._array = larger
