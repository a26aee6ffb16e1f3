"""Conditions on the features of a table's row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.values import json_value

Borders = Mapping[str, NDArray[Any]]
"""For each ordered feature the numbers (or times) it is compared with, ascending."""

Side = Literal["above", "upto", "equal"]


@dataclass(frozen=True, eq=False)
class Predicate:
    """One condition that the explained row meets. `feature` is the number of its column; `width`
    orders the conditions of one feature and side: a wider one holds whenever a narrower one does.
    """

    feature: int
    side: Side
    width: int
    bound: Any

    def holds(self, column: Column) -> NDArray[np.bool_]:
        """For each row, does it?"""
        known = column.known()
        if self.bound is None:
            return ~known
        if self.side == "equal":
            return np.asarray(known & (column.values == self.bound))
        above = column.values > self.bound
        return np.asarray(known & (above if self.side == "above" else ~above))

    def widens(self, other: Predicate) -> bool:
        """Does this hold whenever the other does, by its form alone?"""
        return (self.feature, self.side) == (other.feature, other.side) and (
            self.width >= other.width
        )


def borders(reference: Columns, ordered: frozenset[str], bins: int) -> dict[str, NDArray[Any]]:
    """Where to cut each ordered column into at most so many bins with about as many rows each;
    between two neighbouring values at the shortest number there is."""
    return {name: _cuts(reference[name], bins) for name in reference.names if name in ordered}


def predicates(row: Columns, cuts: Borders) -> tuple[Predicate, ...]:
    """All conditions that a row (the only one) meets, feature by feature, widest last a side."""
    return tuple(
        one for at, column in enumerate(row) for one in _of(at, column, cuts.get(column.name))
    )


def words(name: str, predicates: list[Predicate]) -> str:
    """What the predicates of one feature say together: ``30 < age <= 40``."""
    if predicates[0].bound is None:
        return f"{name} is null"
    told = {one.side: _told(one.bound) for one in predicates}
    if "equal" in told:
        return f"{name} = {told['equal']}"
    if len(told) == 2:
        return f"{told['above']} < {name} <= {told['upto']}"
    return f"{name} > {told['above']}" if "above" in told else f"{name} <= {told['upto']}"


def _told(bound: Any) -> str:
    value = json_value(Column("", np.array([bound], object if isinstance(bound, str) else None)))
    return f"{value:.17g}" if isinstance(value, float) and value.is_integer() else str(value)


def _of(at: int, column: Column, cuts: NDArray[Any] | None) -> list[Predicate]:
    if not column.known()[0]:
        return [Predicate(at, "equal", 0, None)]
    value = column.values[0]
    if cuts is None:
        return [Predicate(at, "equal", 0, value)]
    below, above = cuts[cuts < value][::-1], cuts[cuts >= value]
    return [
        *(Predicate(at, "above", width, bound) for width, bound in enumerate(below)),
        *(Predicate(at, "upto", width, bound) for width, bound in enumerate(above)),
    ]


def _cuts(column: Column, bins: int) -> NDArray[Any]:
    values = np.unique(column.values[column.known()])
    if len(values) <= bins:
        edges = np.arange(len(values) - 1)
    else:
        ranks = np.sort(column.values[column.known()])
        at = np.ceil(np.arange(1, bins) / bins * len(ranks)).astype(int) - 1
        edges = np.unique(np.searchsorted(values, ranks[at]))
        edges = edges[edges < len(values) - 1]
        if not len(edges):
            edges = np.array([len(values) - 2])
    if values.dtype.kind not in "iuf":
        return values[edges]
    return np.array([_short(float(values[at]), float(values[at + 1])) for at in edges])


def _short(low: float, high: float) -> float:
    """The shortest number from `low` on and below `high`."""
    middle = low + (high - low) / 2
    for digits in range(1, 18):
        short = float(f"{middle:.{digits}g}")
        if low <= short < high:
            return short
    return low
