"""The values along which a feature is followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column
from sidelight_explainers.contents.values import json_value


@dataclass(frozen=True, eq=False)
class Grid:
    """Values of one feature, each of which some row has: `points` (g,) in order.

    `ordered` is whether they are numbers or times from small to large, rather than categories.
    """

    points: Column
    ordered: bool

    def __len__(self) -> int:
        return len(self.points)

    def words(self) -> tuple[Any, ...]:
        """The points as JSON values."""
        return tuple(json_value(self.points, row) for row in range(len(self.points)))


def grid_of(column: Column, ordered: bool, points: int) -> Grid:
    """At most so many points: quantiles, the ends included, or the most frequent categories.

    Quantiles are values that are there (inverted distribution function); nulls are none.
    """
    known = column.take(column.known())
    if ordered:
        return Grid(known.take(_quantiles(known.values, points)), True)
    return Grid(known.take(_most_frequent(known.values, points)), False)


def _quantiles(values: NDArray[Any], points: int) -> NDArray[np.intp]:
    order = np.argsort(values, kind="stable")
    if not len(order):
        return order
    ranks = np.ceil(np.linspace(0, 1, points) * len(order)).astype(int) - 1
    return order[_first_of_each(values[order[np.maximum(ranks, 0)]], np.maximum(ranks, 0))]


def _first_of_each(values: NDArray[Any], places: NDArray[np.intp]) -> NDArray[np.intp]:
    return places[np.unique(values, return_index=True)[1]]


def _most_frequent(values: NDArray[Any], points: int) -> NDArray[np.intp]:
    _, first, counts = np.unique(values, return_index=True, return_counts=True)
    return first[np.argsort(-counts, kind="stable")[:points]]
