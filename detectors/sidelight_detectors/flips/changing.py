"""Rows as they would be if their people were of another group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.bias import ProtectedSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight.tensors import Column, Columns
from sidelight_detectors.bias.attributes import Attribute, learn_attribute
from sidelight_detectors.cells import elements_of
from sidelight_detectors.flips.counting import Pair


@dataclass(frozen=True, eq=False)
class Change:
    """One attribute that is an input, and for each known group the value that stands for it."""

    attribute: Attribute
    column: str
    values: tuple[Any, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        return self.attribute.known

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every group with every other one, in their order."""
        name, groups = self.attribute.name, self.groups
        return tuple(Pair(name, own, other) for own in groups for other in groups if own != other)

    def codes(self, rows: Columns) -> NDArray[np.int64]:
        """The number of each row's group, ``(n,)``; not below `len(groups)` where it has none."""
        return self.attribute.coded(rows[self.column]).astype(np.int64)

    def to(self, rows: Columns, group: int) -> Columns:
        """The rows with that group's value in the attribute's column, all else as it is."""
        column = rows[self.column]
        value = np.full(column.values.shape, self.values[group], column.values.dtype)
        changed = replace(column, values=value, valid=None)
        found = (changed if one.name == self.column else one for one in rows)
        return Columns(tuple(found), rows.parameters)


def asked_about(rows: Columns, changes: Sequence[Change]) -> Columns:
    """The rows, and behind them all of them as each group of each attribute."""
    return Columns.concatenate([rows, *_changed(rows, changes)])


def _changed(rows: Columns, changes: Sequence[Change]) -> Iterator[Columns]:
    for change in changes:
        for group in range(len(change.groups)):
            yield change.to(rows, group)


def learn_change(name: str, settings: ProtectedSettings, reference: Columns) -> Change:
    """The groups as `bias` knows them, and a value of the reference for each.

    That is the one met most often; of a banded number the middle one of the band's.

    Raises
    ------
    ConfigError
        There are fewer than two groups.
    NotEnoughData
        A group has no row in the reference to take a value from.
    """
    attribute = learn_attribute(name, settings, reference)
    column = reference[settings.column or name]
    if len(attribute.known) < 2:
        raise ConfigError(f"{name!r} has one group only, {attribute.known}; none to change")
    codes = attribute.coded(column)
    values = []
    for number, group in enumerate(attribute.known):
        there = column.take(codes == number)
        if not len(there):
            raise NotEnoughData(f"no reference row of {name!r} is of the group {group!r}")
        values.append(_typical(there))
    return Change(attribute, column.name, tuple(values))


def _typical(column: Column) -> Any:
    values, _ = elements_of(column)
    if values.dtype.kind in "iuf":
        return np.sort(values)[(len(values) - 1) // 2]
    found, counts = np.unique(values, return_counts=True)
    return found[counts.argmax()]
