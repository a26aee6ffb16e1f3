"""A protected attribute: where it is read, and the groups it makes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.bias import MAX_GROUPS, ProtectedSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch
from sidelight.tables import read_table
from sidelight.tensors import Column, Columns
from sidelight_detectors.bias.side_table import Codes, SideTable, side_table
from sidelight_detectors.cells import CategoricalCells, elements_of
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.design import numbers_with_nan
from sidelight_detectors.texts import text_of, texts_of

OTHER, MISSING = "(other)", "(missing)"
"""The groups of values that are none of the known ones, and of rows that have no value."""


@dataclass(frozen=True, eq=False)
class Attribute:
    """A protected attribute.

    Parameters
    ----------
    known:
        The groups: bands in their order, else texts, sorted.
    privileged:
        Number of the group that others are compared with.
    side:
        The groups by id, where a side table has them.
    """

    name: str
    settings: ProtectedSettings
    known: tuple[str, ...]
    privileged: int
    side: SideTable | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups by their numbers."""
        return (*self.known, OTHER, MISSING)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the request that it is read from."""
        if self.headers:
            return ()
        return (self.settings.key or self._column,)

    @property
    def headers(self) -> tuple[str, ...]:
        """Headers of the request that it is read from, in lower case."""
        named = self.settings.key_header if self.settings.table else self.settings.header
        return (named.lower(),) if named else ()

    def codes(self, rows: Indexed) -> Codes:
        """The number of each row's group, ``(n,)``."""
        told = self._told(rows)
        if self.side is not None and told is not None:
            return self.side.look_up(told, len(self.known) + 1)
        # Files and references hold the attribute itself, or do not know it.
        column = told if self.side is None else None
        if column is None and rows.origin is None:
            column = rows.sent(self._column)
        if column is None:
            return np.full(len(rows), len(self.known) + 1, np.uint8)
        return self.coded(column)

    def coded(self, column: Column) -> Codes:
        """The number of the group of each of these values."""
        found = self._banded(column) if self.settings.bands else self._listed(column)
        return found.astype(np.uint8)

    def pack(self) -> dict[str, Any]:
        """All but its side table."""
        settings = self.settings.model_dump(mode="json")
        return {
            "name": self.name,
            "settings": settings,
            "known": list(self.known),
            "privileged": self.privileged,
        }

    @property
    def _column(self) -> str:
        return self.settings.column or self.name

    def _told(self, rows: Indexed) -> Column | None:
        """What the requests say of themselves: a value of the attribute, or an id."""
        if self.headers and rows.origin is not None:
            values = rows.origin.headers.get(self.headers[0])
            return None if values is None else Column(self.headers[0], values, values != "")
        if self.side is not None:
            return rows.sent(self.settings.key or self.name)
        return None if self.settings.header else rows.sent(self._column)

    def _banded(self, column: Column) -> NDArray[np.intp]:
        values = _numbers(column)
        found = np.searchsorted(np.array(self.settings.bands), values, side="right")
        return np.where(np.isnan(values), len(self.known) + 1, found)

    def _listed(self, column: Column) -> NDArray[np.int32]:
        found = self._cells.index(column)
        values, _ = elements_of(column)
        if values.dtype.kind == "f":
            found[np.isnan(values)] = self._cells.null
        return found

    @cached_property
    def _cells(self) -> CategoricalCells:
        return CategoricalCells(self.name, self.known)


def learn_attribute(name: str, settings: ProtectedSettings, reference: Columns) -> Attribute:
    """Its groups: those that are named, those of the reference, or those of the side table.

    Raises
    ------
    ConfigError
        It is nowhere to be found, has numbers without bands, or no such privileged group.
    """
    where = f"detectors.bias.protected.{name}"
    key = settings.key or name
    table = None if settings.table is None else _table(where, settings.table, [key, name])
    column = _source(name, settings, reference) or (table[name] if table else None)
    counted = Counter() if column is None else _counted(column)
    known = _named(where, settings, column, counted)
    draft = Attribute(name, settings, known, 0)
    privileged = _privileged(where, draft, column)
    side = None if table is None else _sided(where, draft, table)
    return Attribute(name, settings, known, privileged, side)


def unpack_attribute(
    saved: Mapping[str, Any], keys: NDArray[Any] | None, codes: NDArray[Any] | None
) -> Attribute:
    """`KeyError`, `ValueError` or `TypeError` when it is not what `Attribute.pack` gave."""
    settings = ProtectedSettings.model_validate(saved["settings"])
    side = None
    if keys is not None and codes is not None:
        side = SideTable(keys.astype(np.uint64, copy=False), codes.astype(np.uint8, copy=False))
    known = tuple(map(str, saved["known"]))
    return Attribute(str(saved["name"]), settings, known, int(saved["privileged"]), side)


def band_names(bands: tuple[float, ...]) -> tuple[str, ...]:
    """``below 25``, ``25 to below 40``, ``40 and above``."""
    told = [text_of(float(one)) for one in bands]
    between = (f"{low} to below {high}" for low, high in pairwise(told))
    return (f"below {told[0]}", *between, f"{told[-1]} and above")


def _table(where: str, path: Path, names: list[str]) -> Columns:
    try:
        return read_table(path).select(names)
    except (ArtifactError, DataMismatch) as exc:
        raise ConfigError(f"{where}.table ({path}): {exc}") from exc


def _source(name: str, settings: ProtectedSettings, reference: Columns) -> Column | None:
    column = settings.column or name
    return reference[column] if column in reference.names else None


def _counted(column: Column) -> Counter[str]:
    values, valid = elements_of(column)
    known = values if valid is None else values[valid]
    return Counter(texts_of(known[known == known]))


def _named(
    where: str, settings: ProtectedSettings, column: Column | None, counted: Counter[str]
) -> tuple[str, ...]:
    if settings.bands:
        return band_names(settings.bands)
    if settings.groups:
        return tuple(sorted({text_of(group) for group in settings.groups}))
    if column is None:
        raise ConfigError(
            f"{where}: it is no column of the reference and has no side table; name its 'groups', "
            "or the 'column' or 'table' that has them"
        )
    if len(counted) > MAX_GROUPS and column.kind == "number":
        raise ConfigError(
            f"{where}: {len(counted)} different numbers are no groups; set 'bands', or 'groups'"
        )
    return tuple(sorted(text for text, _ in counted.most_common(MAX_GROUPS)))


def _privileged(where: str, draft: Attribute, column: Column | None) -> int:
    wanted = draft.settings.privileged
    if wanted is not None:
        if text_of(wanted) not in draft.known:
            told = ", ".join(draft.known)
            raise ConfigError(f"{where}.privileged: no group {text_of(wanted)!r}; there are {told}")
        return draft.known.index(text_of(wanted))
    if column is None:
        return 0
    return int(np.bincount(draft.coded(column), minlength=len(draft.groups))[:-2].argmax())


def _sided(where: str, draft: Attribute, table: Columns) -> SideTable:
    try:
        return side_table(table[draft.settings.key or draft.name], draft.coded(table[draft.name]))
    except DataMismatch as exc:
        raise ConfigError(f"{where}.table ({draft.settings.table}): {exc}") from exc


def _numbers(column: Column) -> NDArray[np.float64]:
    if column.kind != "string":
        return numbers_with_nan(column)
    return np.array([_number(value) for value in column.values], np.float64)


def _number(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan
