"""Rows as points of one space: what methods measure that look at several features together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column
from sidelight_detectors.cells import Counts, NumericCells, numbers_of
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed

Points = NDArray[np.float64]

MOST_INDICATORS = 8
"""Categories of a feature, the commonest, with a coordinate of their own."""

FARTHEST = 1e9
"""Where a value that far from the centre, in units of its column's scale, is put; infinity too."""


@dataclass(frozen=True, eq=False)
class Design:
    """How rows become points ``(n, d)``; the coordinates of a feature stand together.

    A number has one coordinate, ``(value - centre) / scale``, however far it lies. A category has
    an indicator for each of the commonest, and its surprise ``-log share``. A missing number stands
    at the centre and has its surprise in a coordinate of its own; where the reference misses none,
    it stands outside of all reference values instead.

    Parameters
    ----------
    numeric:
        Which features are numbers, ``(N,)``.
    centre, scale, missing:
        Of these, ``(N,)``: median, spread, and where a missing one stands.
    tabled:
        The feature of each coordinate that a cell decides, ``(C,)``.
    table:
        Their values for every cell, coordinate after coordinate.
    """

    numeric: NDArray[np.int64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    missing: NDArray[np.float64]
    tabled: NDArray[np.int64]
    table: NDArray[np.float64]
    sizes: NDArray[np.int64]

    def points(self, rows: Indexed) -> Points:
        """Shape ``(n, d)``, finite."""
        of_number, of_cell, _ = self._order
        points = np.empty((len(rows), len(of_number) + len(of_cell)))
        if len(of_number):
            points[:, of_number] = self._numbers(rows)
        if len(of_cell):
            points[:, of_cell] = self.table.take(rows.cells[:, self.tabled] + self._offsets)
        return points

    def by_feature(self, parts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Parts ``(n, d)`` of coordinates as parts of features, ``(n, features)``."""
        return np.add.reduceat(parts, self._order[2], axis=1)

    def pack(self) -> dict[str, NDArray[Any]]:
        return {f"design_{part.name}": getattr(self, part.name) for part in fields(self)}

    @classmethod
    def unpack(cls, arrays: Mapping[str, NDArray[Any]]) -> Design:
        return cls(**{part.name: arrays[f"design_{part.name}"] for part in fields(cls)})

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def _order(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Where numbers stand, where cells' coordinates do, where each feature begins."""
        owner = np.concatenate([self.numeric, self.tabled])
        place = np.empty(len(owner), np.intp)
        order = np.argsort(owner, kind="stable")
        place[order] = np.arange(len(owner))
        starts = np.unique(owner[order], return_index=True)[1]
        return place[: len(self.numeric)], place[len(self.numeric) :], starts

    def _numbers(self, rows: Indexed) -> Points:
        own = rows.columns.columns
        away = (_side_by_side([own[place] for place in self._places]) - self.centre) / self.scale
        if not np.isfinite(away.sum()):
            away = np.where(np.isnan(away), self.missing, away)
        return np.clip(away, -FARTHEST, FARTHEST)

    @cached_property
    def _places(self) -> list[int]:
        return [int(place) for place in self.numeric]


def _side_by_side(columns: list[Column]) -> Points:
    """Numbers ``(n, N)``; a null is NaN."""
    if all(_is_plain(column) for column in columns):
        return np.array([column.values for column in columns]).T
    return np.column_stack([numbers_with_nan(column) for column in columns])


def _is_plain(column: Column) -> bool:
    values = column.values
    return column.valid is None and values.ndim == 1 and values.dtype == np.float64


def numbers_with_nan(column: Column) -> NDArray[np.float64]:
    """The column's numbers ``(n,)``, a null as NaN."""
    values, valid = numbers_of(column)
    return values if valid is None else np.where(valid, values, np.nan)


def fit_design(grid: Grid, features: int, rows: Indexed) -> Design:
    """From the rows a method is fitted on; the first `features` columns of the grid."""
    counts = grid.split(grid.count(rows.cells))
    numeric = [f for f in range(features) if isinstance(grid.columns[f], NumericCells)]
    own = rows.columns.columns
    lines = [_line(numbers_with_nan(own[feature]), len(rows)) for feature in numeric]
    centre, scale, missing = np.array(lines, float).reshape(-1, 3).T.copy()
    tables = list(_tables(grid, features, counts))
    return Design(
        np.array(numeric, np.int64),
        centre,
        scale,
        missing,
        np.array([feature for feature, _ in tables], np.int64),
        np.concatenate([np.empty(0), *(table for _, table in tables)]),
        np.array([len(table) for _, table in tables], np.int64),
    )


def _line(values: NDArray[np.float64], rows: int) -> tuple[float, float, float]:
    """Median, spread, and where a missing value stands."""
    present = np.sort(values[np.isfinite(values)])
    if not len(present):
        return 0.0, 1.0, np.log(rows + 1)
    low, centre, high = present[[len(present) // 4, len(present) // 2, 3 * len(present) // 4]]
    with np.errstate(over="ignore", invalid="ignore"):
        scale = (high / 1.349 - low / 1.349) or float(present.std())
    if not 0 < scale < np.inf:
        scale = max(abs(present[0]), abs(present[-1])) or 1.0
    if np.isnan(values).any():
        return centre, scale, 0.0
    widest = max((present[-1] - centre) / scale, (centre - present[0]) / scale)
    return centre, scale, min(2 * widest + np.log(rows + 1), FARTHEST)


def _tables(
    grid: Grid, features: int, counts: list[Counts]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The feature and the values by cell of each coordinate that cells decide."""
    for feature in range(features):
        column, count = grid.columns[feature], counts[feature]
        surprise = -np.log((count + 1) / (count.sum() + 1))
        if isinstance(column, NumericCells):
            if count[column.missing].any():
                surprise[: column.missing.start] = 0.0
                yield feature, surprise
            continue
        commonest = np.lexsort((np.arange(len(count)), -count))[:MOST_INDICATORS]
        held = [cell for cell in commonest if count[cell]]
        for cell in held[: max(1, len(held) - 1)]:
            yield feature, (np.arange(len(count)) == cell).astype(float)
        yield feature, surprise
