"""Cells: what a value is worth remembering of, as one small integer.

A numeric column has a cell for each of its points, for each gap between two points and for either
tail beyond them, in the order of the number line; then one for not-a-number and one for null:

    cell    0      1    2       3    ...  2K-1     2K     2K+1   2K+2
    value   < p0   p0   p0..p1  p1   ...  p(K-1)   > it   NaN    null

Minus and plus infinity are numbers like any other. A categorical column has a cell for each known
category in the order of its text, one for every other value, and one for null.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Column
from sidelight_detectors.texts import WHOLE, number_of, text_of, texts_of

CellIndex = NDArray[np.int32]
Counts = NDArray[np.int64]

MAX_CATEGORIES = 4096
"""Categories with a cell of their own; the rarest of more share the cell for other values."""


class ColumnCells(Protocol):
    """The cells of one column: a frozen map from values to cell numbers in [0, `size`)."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def index(self, column: Column) -> CellIndex:
        """The cell of each row, shape ``(n,)``; `DataMismatch` when the kind does not fit."""
        ...


@dataclass(frozen=True, eq=False)
class NumericCells:
    """Points and gaps of a number line.

    Parameters
    ----------
    points:
        Shape ``(K,)``, float64, strictly increasing, no NaN; K may be 0.
    """

    name: str
    points: NDArray[np.float64]

    @property
    def size(self) -> int:
        return 2 * len(self.points) + 3

    @property
    def missing(self) -> slice:
        """The cells of NaN and null."""
        return slice(self.size - 2, self.size)

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        # Right of p and left of the next float there is nothing: one search finds point or gap.
        with np.errstate(over="ignore"):
            after = np.nextafter(self.points, np.inf)
        after[np.isposinf(self.points)] = np.nan
        return np.append(np.column_stack([self.points, after]).ravel(), np.nan)

    def index(self, column: Column) -> CellIndex:
        values, valid = numbers_of(column)
        # In sorted order the search is predictable to the processor: twice as fast, sort included.
        order = np.argsort(values)
        cells = np.empty(len(values), np.int32)
        cells[order] = np.searchsorted(self._edges, values[order], side="right")
        if valid is not None:
            cells[~valid] = self.size - 1
        return cells


@dataclass(frozen=True, eq=False)
class CategoricalCells:
    """Known categories by their text (`sidelight_detectors.texts`), in sorted order."""

    name: str
    categories: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.categories) + 2

    @property
    def other(self) -> int:
        """The cell of every value that is not a known category."""
        return len(self.categories)

    @property
    def null(self) -> int:
        return len(self.categories) + 1

    @cached_property
    def _cells(self) -> dict[str, int]:
        return {text: cell for cell, text in enumerate(self.categories)}

    @cached_property
    def _numbers(self) -> tuple[NDArray[np.float64], CellIndex]:
        # Categories that are numbers, ascending, with an end no value equals.
        found = sorted(
            (number, cell)
            for text, cell in self._cells.items()
            if (number := number_of(text)) is not None
        )
        numbers = np.array([number for number, _ in found] + [np.nan])
        return numbers, np.array([cell for _, cell in found] + [self.other], np.int32)

    def index(self, column: Column) -> CellIndex:
        values, valid = elements_of(column)
        if _equal_as_float64(values):
            cells = self._index_numbers(values)
        else:
            cells = self._index_texts(values)
        if valid is not None:
            cells[~valid] = self.null
        return cells

    def _index_numbers(self, values: NDArray[Any]) -> CellIndex:
        numbers, cells = self._numbers
        place = np.minimum(np.searchsorted(numbers, values), len(numbers) - 1)
        return np.where(numbers[place] == values, cells[place], np.int32(self.other))

    def _index_texts(self, values: NDArray[Any]) -> CellIndex:
        texts = values.tolist() if _holds_strings(values) else texts_of(values)
        cells = map(self._cells.get, texts, repeat(self.other))
        return np.fromiter(cells, np.int32, len(values))


def elements_of(column: Column) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """One value a row and its mask, both ``(n,)``; a ``(n, 1)`` column is read as ``(n,)``."""
    if column.values.size != len(column):
        raise DataMismatch(
            f"column {column.name!r} has shape {column.values.shape}; "
            "only one value a row can be watched"
        )
    valid = None if column.valid is None else column.valid.reshape(-1)
    return column.values.reshape(-1), valid


def numbers_of(column: Column) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """The column as float64 ``(n,)`` (times as microseconds since 1970) and its mask."""
    values, valid = elements_of(column)
    kind = values.dtype.kind
    if kind in "iufb":
        return values.astype(np.float64, copy=False), valid
    if kind == "M":
        present = ~np.isnat(values)
        numbers = values.astype("datetime64[us]").astype(np.int64).astype(np.float64)
        return numbers, present if valid is None else present & valid
    if valid is not None and not valid.any():
        return np.full(len(values), np.nan), valid
    raise DataMismatch(
        f"column {column.name!r} holds {column.kind} values, numbers were expected; "
        "send numbers or declare it categorical"
    )


def _holds_strings(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "O" and (not len(values) or isinstance(values[0], str))


def _equal_as_float64(values: NDArray[Any]) -> bool:
    """Whether two of these numbers have one text just when they are one float64."""
    if values.dtype.kind not in "iuf":
        return False
    wide = values.astype(np.float64)
    narrow_fractions = wide.dtype != values.dtype and values.dtype.kind == "f"
    if narrow_fractions and not np.array_equal(wide, np.trunc(wide)):
        return False
    return bool(np.all(np.abs(wide) < WHOLE))  # NaN and infinities have texts, but no place.


def numeric_cells(column: Column, limit: int | None) -> NumericCells:
    """Cells for a reference column: all its distinct values, or quantiles when too many.

    Parameters
    ----------
    limit:
        Cells at most, not counting NaN and null: ``(limit - 1) // 2`` points. None keeps every
        distinct value, and with them the exact statistic.
    """
    values, valid = numbers_of(column)
    present = values if valid is None else values[valid]
    points = np.unique(present[~np.isnan(present)])
    if limit is not None and len(points) > (limit - 1) // 2:
        points = _quantiles(np.sort(present[~np.isnan(present)]), (limit - 1) // 2)
    return NumericCells(column.name, points + 0.0)


def _quantiles(ascending: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    ranks = np.linspace(0, len(ascending) - 1, count).round().astype(np.int64)
    return np.unique(ascending[ranks])


def categorical_cells(column: Column, known: tuple[Any, ...] = ()) -> CategoricalCells:
    """Cells for a reference column: the `known` categories, or those that occur in it."""
    if known:
        return CategoricalCells(column.name, tuple(sorted({text_of(v) for v in known})))
    values, valid = elements_of(column)
    texts = np.array(list(texts_of(values if valid is None else values[valid])), object)
    if not len(texts):
        return CategoricalCells(column.name, ())
    found, counts = np.unique(texts, return_counts=True)
    commonest = np.lexsort((np.arange(len(found)), -counts))[:MAX_CATEGORIES]
    return CategoricalCells(column.name, tuple(sorted(found[commonest].tolist())))
