"""The rows of a V1 document, in any of their forms, as columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.protocols.documents import Place, told
from sidelight.protocols.elements import Shape, types_of, unnest, unnest_once
from sidelight.protocols.limits import Limits
from sidelight.protocols.tensor import flat_rows
from sidelight.protocols.undeclared import inferred, is_base64, is_uniform
from sidelight.tensors import Column, Columns

# Integers from here on are not all exact as a double.
_INEXACT = 2.0**53


def read_rows(rows: Any, key: str, limits: Limits) -> Columns:
    """What stands under `key`: a list of objects, lists or scalars, or an object of columns.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`) naming the part:
    ``instances[3].age``.
    """
    if type(rows) is dict:
        return _from_named(rows, key, limits)
    if type(rows) is not list:
        raise MalformedPayload(f"is {told(rows)}; send a list of rows", where=key)
    if not rows:
        return Columns(())
    if type(rows[0]) is dict and not is_base64(rows[0]):
        return _from_objects(rows, key, limits)
    if type(rows[0]) is list:
        return _from_lists(rows, key, limits)
    return Columns((_column(key, rows, Place(key), limits),))


def _from_named(named: dict[str, Any], key: str, limits: Limits) -> Columns:
    _refuse_width(len(named), key, limits)
    found: list[Column] = []
    for name, data in named.items():
        where = _member(key, name)
        if type(data) is not list:
            raise MalformedPayload(f"is {told(data)}; send a list of values", where=where)
        column = _column(name, data, Place(where), limits)
        if found and len(column) != len(found[0]):
            raise MalformedPayload(
                f"has {len(column)} rows, {_member(key, found[0].name)} has {len(found[0])}; "
                "send as many",
                where=where,
            )
        found.append(column)
    return Columns(tuple(found))


def _from_objects(rows: list[Any], key: str, limits: Limits) -> Columns:
    names = rows[0].keys()
    _refuse_width(len(names), key, limits)
    for i, row in enumerate(rows):
        if type(row) is not dict or row.keys() != names:
            raise _odd_row(row, rows[0], f"{key}[{i}]")
    found = (
        _column(name, [row[name] for row in rows], Place(key, _member("", name)), limits)
        for name in names
    )
    return Columns(tuple(found))


def _odd_row(row: Any, first: dict[str, Any], where: str) -> MalformedPayload:
    if type(row) is not dict:
        return MalformedPayload(f"is {told(row)}; the first row is an object", where=where)
    name = min(row.keys() ^ first.keys())
    return MalformedPayload(
        f"{told(name)} is in one of this and the first row; send null for a missing value",
        where=where,
    )


def _from_lists(rows: list[Any], key: str, limits: Limits) -> Columns:
    column = _as_tensor(rows, key, limits)
    return _by_position(rows, key, limits) if column is None else Columns((column,))


def _as_tensor(rows: list[Any], key: str, limits: Limits) -> Column | None:
    """All values as one tensor; None when they are of different kinds or would lose digits."""
    place = Place(key)
    cells, shape = unnest_once(rows, (len(rows),), place, limits)
    try:
        flat, shape = unnest(cells, shape, place, limits)
        types = types_of(flat)
        if not is_uniform(types):
            return None
        column = _typed(key, flat, types, shape, place)
    except LimitExceeded:
        raise
    except MalformedPayload:
        return None
    rounded = {int, float} <= types and (np.abs(column.values) >= _INEXACT).any()
    return None if rounded else column


def _by_position(rows: list[Any], key: str, limits: Limits) -> Columns:
    _refuse_width(len(rows[0]), key, limits)
    found = (
        _column(str(i), list(data), Place(key, f"[{i}]"), limits)
        for i, data in enumerate(zip(*rows, strict=True))
    )
    return Columns(tuple(found))


def _column(name: str, data: list[Any], place: Place, limits: Limits) -> Column:
    flat, shape = unnest(data, (len(data),), place, limits)
    return _typed(name, flat, types_of(flat), shape, place)


def _typed(
    name: str, flat: list[Any], types: frozenset[type], shape: Shape, place: Place
) -> Column:
    values, valid = inferred(flat, types, shape, place)
    return Column(name, flat_rows(values), None if valid is None else flat_rows(valid))


def _member(key: str, name: str) -> str:
    return f"{key}.{name[:60]}"


def _refuse_width(columns: int, key: str, limits: Limits) -> None:
    if not columns:
        raise MalformedPayload("has no columns; send at least one value a row", where=key)
    if columns > limits.columns:
        raise LimitExceeded(f"{columns} columns, the limit is {limits.columns}", where=key)
