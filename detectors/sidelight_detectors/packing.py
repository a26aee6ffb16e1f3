"""A grid as JSON and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import CategoricalCells, ColumnCells, NumericCells
from sidelight_detectors.grid import Grid


def pack_grid(grid: Grid) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    """A header a column, and all points one after the other."""
    points = [column.points for column in grid.columns if isinstance(column, NumericCells)]
    return [_header(column) for column in grid.columns], np.concatenate([np.empty(0), *points])


def unpack_grid(headers: list[Mapping[str, Any]], points: NDArray[np.float64]) -> Grid:
    """`ValueError`, `KeyError` or `TypeError` when the parts are not what `pack_grid` gave."""
    columns: list[ColumnCells] = []
    for header in headers:
        if header["kind"] == "categorical":
            columns.append(_categorical(header))
        else:
            columns.append(_numeric(header, points))
            points = points[header["points"] :]
    if len(points):
        raise ValueError(f"{len(points)} points belong to no column")
    return Grid(tuple(columns))


def _header(column: ColumnCells) -> dict[str, Any]:
    if isinstance(column, NumericCells):
        return {"name": column.name, "kind": "numeric", "points": len(column.points)}
    if isinstance(column, CategoricalCells):
        return {"name": column.name, "kind": "categorical", "categories": list(column.categories)}
    raise TypeError(f"column {column.name!r}: {type(column).__name__} has no stored form")


def _numeric(header: Mapping[str, Any], points: NDArray[np.float64]) -> NumericCells:
    own = points[: header["points"]]
    ascending = own.dtype == np.float64 and not np.isnan(own).any() and (np.diff(own) > 0).all()
    if len(own) != header["points"] or not ascending:
        raise ValueError(f"column {header['name']!r}: its points are not ascending numbers")
    return NumericCells(header["name"], own)


def _categorical(header: Mapping[str, Any]) -> CategoricalCells:
    return CategoricalCells(header["name"], tuple(map(str, header["categories"])))


def integers(array: NDArray[Any], length: int | None) -> NDArray[np.int64]:
    """The array itself; `ValueError` unless it is that many whole numbers, none below zero."""
    if array.dtype != np.int64 or array.ndim != 1 or length not in (None, len(array)):
        raise ValueError(f"expected {length} whole numbers, found {array.dtype} {array.shape}")
    if array.min(initial=0) < 0:
        raise ValueError(f"a count is {array.min()}")
    return array
