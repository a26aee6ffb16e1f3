"""Rows of a table as the numbers that trees can split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Numbers:
    """`places` has, of each feature of words, the number of each word that a reference has."""

    places: Mapping[str, Mapping[Any, int]]

    @classmethod
    def of(cls, reference: Columns) -> Numbers:
        texts = [one for one in reference if one.values.dtype.kind == "O"]
        return cls({one.name: {word: at for at, word in enumerate(_words(one))} for one in texts})

    def table(self, rows: Columns) -> Floats:
        """(r, n); nulls, infinite numbers and unknown words are NaN."""
        return np.column_stack([self._numbers(column) for column in rows])

    def _numbers(self, column: Column) -> Floats:
        if column.name in self.places:
            places = self.places[column.name]
            told = np.array([places.get(word, np.nan) for word in column.values.tolist()], float)
        elif column.kind == "time":
            ticks = column.values.astype(np.int64).astype(np.float64)
            told = np.where(np.isnat(column.values), np.nan, ticks)
        else:
            told = column.values.astype(np.float64)
        known = np.isfinite(told) if column.valid is None else np.isfinite(told) & column.valid
        return np.where(known, told, np.nan)


def _words(column: Column) -> list[Any]:
    return sorted(set(column.values.tolist()))
