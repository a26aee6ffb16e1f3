"""Lists from JSON as numpy arrays: nothing is truncated, turned into text, or guessed.

Where an element does not fit, `MalformedPayload` names it: ``inputs[0].data[3][1]``.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.protocols.datatypes import Datatype
from sidelight.protocols.documents import Place, told
from sidelight.protocols.limits import Limits

Shape = tuple[int, ...]
Masked = tuple[NDArray[Any], NDArray[np.bool_] | None]
"""Values, and where they are valid (None: everywhere)."""


def unnest(items: list[Any], shape: Shape, place: Place, limits: Limits) -> tuple[list[Any], Shape]:
    """The elements in row-major order, and the shape that `items` of `shape` were nested to.

    Raises `MalformedPayload` for ragged lists, `LimitExceeded` beyond `depth` or `elements`.
    """
    refuse_large(shape, place, limits)
    while items and type(items[0]) is list:
        items, shape = unnest_once(items, shape, place, limits)
    return items, shape


def unnest_once(
    rows: list[Any], shape: Shape, place: Place, limits: Limits
) -> tuple[list[Any], Shape]:
    """`unnest` by one level: the lists in `rows`, themselves of `shape`, one after the other."""
    width = len(rows[0])
    inner = (*shape, width)
    refuse_large(inner, place, limits)
    if set(map(type, rows)) != {list} or set(map(len, rows)) != {width}:
        odd = next(i for i, row in enumerate(rows) if type(row) is not list or len(row) != width)
        raise MalformedPayload(
            f"is {told(rows[odd])}; the first of its level is a list of {width}, send as many",
            where=place.at(index_of(odd, shape)),
        )
    return list(chain.from_iterable(rows)), inner


def refuse_large(shape: Shape, place: Place, limits: Limits) -> None:
    """Raise `LimitExceeded` for too many dimensions or elements; zeros hide no other dimension."""
    if len(shape) > limits.depth:
        raise LimitExceeded(
            f"{len(shape)} dimensions, the limit is {limits.depth}; send flatter data",
            where=place.at(()),
        )
    elements = math.prod(shape) or math.prod(size or 1 for size in shape)
    if elements > limits.elements:
        raise LimitExceeded(
            f"shape {list(shape)} holds {elements} elements, the limit is {limits.elements}; "
            "send fewer rows at once",
            where=place.at(()),
        )


def index_of(position: int, shape: Shape) -> Shape:
    """The subscripts of the element at that place in row-major order."""
    return tuple(int(i) for i in np.unravel_index(position, shape))


def types_of(flat: list[Any]) -> frozenset[type]:
    """The JSON types among the elements."""
    return frozenset(map(type, flat))


def array_of(
    datatype: Datatype, flat: list[Any], types: frozenset[type], shape: Shape, place: Place
) -> Masked:
    """Elements of one datatype, of these JSON types, as an array of `shape`; nulls are masked.

    Raises `MalformedPayload` for an element of another type or beyond the datatype's range.
    """
    strange = types - datatype.accepts - {type(None)}
    if strange:
        odd = next(i for i, cell in enumerate(flat) if type(cell) in strange)
        _refuse(flat, odd, shape, place, datatype)
    cells, valid = flat, None
    if type(None) in types:
        cells = [datatype.neutral if cell is None else cell for cell in flat]
        valid = np.array([cell is not None for cell in flat]).reshape(shape)
    return _converted(datatype, cells, shape, place).reshape(shape), valid


def _converted(datatype: Datatype, cells: list[Any], shape: Shape, place: Place) -> NDArray[Any]:
    if datatype.dtype.kind == "f":
        wide = np.array(cells, np.float64)
    elif datatype.dtype.kind in "iu":
        wide = _integers(datatype, cells, shape, place)
    else:
        return np.array(cells, datatype.dtype)
    if wide.dtype == datatype.dtype:
        return wide
    with np.errstate(over="ignore"):
        narrow = wide.astype(datatype.dtype)
    lost = np.isinf(narrow) if datatype.dtype.kind == "f" else narrow != wide
    if lost.any():
        _refuse(cells, int(lost.argmax()), shape, place, datatype)
    return narrow


def _integers(datatype: Datatype, cells: list[Any], shape: Shape, place: Place) -> NDArray[Any]:
    try:
        return np.array(cells, np.int64)
    except OverflowError:
        info = np.iinfo(datatype.dtype)
        odd = (i for i, cell in enumerate(cells) if not info.min <= cell <= info.max)
        first = next(odd, None)
    if first is not None:
        _refuse(cells, first, shape, place, datatype)
    return np.array(cells, np.uint64)


def _refuse(cells: list[Any], odd: int, shape: Shape, place: Place, datatype: Datatype) -> NoReturn:
    bounds = ""
    if datatype.dtype.kind in "iu":
        info = np.iinfo(datatype.dtype)
        bounds = f" from {info.min} to {info.max}"
    if datatype.dtype.kind == "f":
        bounds = f" within ±{np.finfo(datatype.dtype).max:.4g}"
    raise MalformedPayload(
        f"is {told(cells[odd])}; {datatype.name} takes {datatype.takes}{bounds}",
        where=place.at(index_of(odd, shape)),
    )
