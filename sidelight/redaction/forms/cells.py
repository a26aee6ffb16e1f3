"""A tensor's elements as a flat list, whatever form they came in, and their way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from sidelight.protocols.datatypes import DATATYPES
from sidelight.protocols.heads import BFLOAT16
from sidelight.protocols.tensor import Tensor
from sidelight.redaction.changes import Change, in_base64
from sidelight.redaction.reasons import Unredactable

TensorDocument = dict[str, Any]
"""name, datatype, shape, parameters; `data` is a list, or `Unread` where it came as bytes."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Elements that were not JSON. `read` makes a list of them, `origin` is what they came as."""

    read: Callable[[], list[Any]]
    origin: Any


def width_of(tensor: TensorDocument) -> int:
    """Elements of one row."""
    return prod(_shape(tensor)[1:])


def cells_of(tensor: TensorDocument) -> list[Any]:
    """The elements in row-major order, as many as the shape says."""
    data = tensor.get("data")
    cells = data.read() if isinstance(data, Unread) else _flat(data)
    if len(cells) != prod(_shape(tensor)):
        raise Unredactable("malformed", "a tensor has other elements than its shape says")
    return cells


def put_cells(tensor: TensorDocument, cells: list[Any]) -> None:
    """Elements that were changed: numbers are doubles from then on, which may be null."""
    tensor["data"] = cells
    if tensor.get("datatype") != "BYTES":
        tensor["datatype"] = "FP64"
        tensor["data"] = [float(cell) if isinstance(cell, int | float) else None for cell in cells]


def put_fewer(tensor: TensorDocument, cells: list[Any]) -> None:
    """Elements of which some went and none was changed."""
    tensor["data"] = cells
    if tensor.get("datatype") == BFLOAT16:
        tensor["datatype"] = "FP32"


def in_form(tensor: TensorDocument, change: Change) -> Change:
    """The change as it is made to one element: to what base64 stands for, where it is that."""
    return partial(in_base64, change=change) if is_base64(tensor) else change


def is_base64(tensor: TensorDocument) -> bool:
    said = tensor.get("parameters")
    return type(said) is dict and said.get("content_type") == "base64"


def changed(cells: list[Any], change: Change) -> list[Any]:
    """Equal elements are changed once."""
    known: dict[tuple[type, Any], Any] = {}
    found: list[Any] = []
    for cell in cells:
        if cell is None:
            found.append(None)
            continue
        key = type(cell), cell
        if key not in known:
            known[key] = change(cell)
        found.append(known[key])
    return found


def as_tensor(tensor: TensorDocument) -> Tensor:
    """Changed elements for the writers of binary forms: null becomes NaN, or no bytes."""
    shape = _shape(tensor)
    datatype = tensor["datatype"]
    if datatype != "BYTES":
        numbers = np.array(tensor["data"], DATATYPES[datatype].dtype).reshape(shape)
        return Tensor(tensor["name"], datatype, numbers)
    texts = np.empty(len(tensor["data"]), object)
    texts[:] = [b"" if cell is None else cell for cell in tensor["data"]]
    return Tensor(tensor["name"], "BYTES", texts.reshape(shape))


def _shape(tensor: TensorDocument) -> list[int]:
    shape = tensor.get("shape")
    if type(shape) is not list or not shape or not all(type(n) is int and n >= 0 for n in shape):
        raise Unredactable("malformed", "a tensor has no shape")
    return shape


def _flat(data: Any) -> list[Any]:
    if type(data) is not list:
        raise Unredactable("malformed", "a tensor has no list of elements")
    while data and list in (kinds := set(map(type, data))):
        if kinds != {list}:
            raise Unredactable("malformed", "the elements of a tensor are nested unevenly")
        data = list(chain.from_iterable(data))
    if dict in set(map(type, data)):
        raise Unredactable("malformed", "an element of a tensor is an object")
    return list(data)
