"""Elements whose datatype nobody declared (V1): numbers, booleans, text or base64 objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from sidelight.errors import MalformedPayload
from sidelight.protocols.contents import bytes_of
from sidelight.protocols.datatypes import DATATYPES
from sidelight.protocols.documents import Place, told
from sidelight.protocols.elements import Masked, Shape, array_of, index_of

_MEANINGS = {
    frozenset[type](): "FP64",
    frozenset({bool}): "BOOL",
    frozenset({int}): "INT64",
    frozenset({float}): "FP64",
    frozenset({int, float}): "FP64",
    frozenset({str}): "BYTES",
}


def is_uniform(types: frozenset[type]) -> bool:
    """True when elements of these JSON types make one array."""
    present = types - {type(None)}
    return present in _MEANINGS or present == {dict}


def is_base64(value: Any) -> bool:
    """True for the JSON form of bytes, ``{"b64": "..."}``."""
    return type(value) is dict and len(value) == 1 and type(value.get("b64")) is str


def inferred(flat: list[Any], types: frozenset[type], shape: Shape, place: Place) -> Masked:
    """The array these elements make; integers are INT64, or UINT64 when that is too small.

    Raises `MalformedPayload` naming the first element of another kind than those before it.
    """
    present = types - {type(None)}
    if present == {dict}:
        return _base64_objects(flat, shape, place)
    meaning = _MEANINGS.get(present)
    if meaning is None:
        raise _mixture(flat, shape, place)
    try:
        return array_of(DATATYPES[meaning], flat, types, shape, place)
    except MalformedPayload:
        if meaning != "INT64":
            raise
        return array_of(DATATYPES["UINT64"], flat, types, shape, place)


def _base64_objects(flat: list[Any], shape: Shape, place: Place) -> Masked:
    for position, cell in enumerate(flat):
        if cell is not None and not is_base64(cell):
            raise MalformedPayload(
                'is an object; only {"b64": text} is a value',
                where=place.at(index_of(position, shape)),
            )
    cells = ["" if cell is None else cell["b64"] for cell in flat]
    valid = np.array([cell is not None for cell in flat], bool).reshape(shape)
    values = bytes_of(cells, shape, valid, place)
    return values, None if valid.all() else valid


def _mixture(flat: list[Any], shape: Shape, place: Place) -> MalformedPayload:
    present = [(i, cell) for i, cell in enumerate(flat) if cell is not None]
    like = present[0][1]
    family = {int, float} if type(like) in (int, float) else {type(like)}
    odd, cell = next((pair for pair in present if type(pair[1]) not in family), present[0])
    return MalformedPayload(
        f"is {told(cell)} where {told(like)} came first; send one kind of value a column",
        where=place.at(index_of(odd, shape)),
    )
