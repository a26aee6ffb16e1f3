"""What is said of a tensor beside its elements: the same in JSON, binary tensors and gRPC."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from sidelight.errors import MalformedPayload
from sidelight.protocols.datatypes import DATATYPES
from sidelight.protocols.documents import Place, refuse_deep, told
from sidelight.protocols.elements import Shape, refuse_large
from sidelight.protocols.limits import Limits

BFLOAT16 = "BF16"
"""A datatype of the binary forms alone; numpy has none like it."""

_KNOWN = frozenset((*DATATYPES, BFLOAT16))


class Head(NamedTuple):
    """A tensor without its elements. The shape is bounded, the datatype known.

    A tuple, as one is made of every tensor and a frozen dataclass takes three times as long.
    """

    name: str
    datatype: str
    shape: Shape
    parameters: dict[str, Any]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def read_head(item: Any, where: str, limits: Limits) -> Head:
    """The head of a tensor object that stands at `where`: ``inputs[1]``.

    Raises `MalformedPayload` (`LimitExceeded`) naming the part that is wrong.
    """
    expect(item, dict, "an object with name, shape, datatype and data", where)
    name, parameters = item.get("name"), item.get("parameters")
    expect(name, str, "text", where, ".name")
    shape = _shape(item.get("shape"), Place(where, ".shape"), limits)
    datatype = _datatype(item.get("datatype"), where)
    if parameters is not None:
        parameters = read_parameters(parameters, f"{where}.parameters", limits)
    return Head(name, datatype, shape, parameters or {})


def expect(value: Any, kind: type, wanted: str, where: str, part: str = "") -> None:
    """Raise `MalformedPayload` at ``where + part`` unless `value` is exactly of that JSON type."""
    if type(value) is not kind:
        got = "missing" if value is None else told(value)
        raise MalformedPayload(f"is {got}; {wanted} is needed", where=where + part)


def read_parameters(value: Any, where: str, limits: Limits) -> dict[str, Any]:
    """A `parameters` object; null and absent are the same. `content_type` must be text."""
    expect(value, dict, "an object", where)
    refuse_deep(value, where, limits)
    if value.get("content_type") is not None:
        expect(value["content_type"], str, "text", where, ".content_type")
    return {name: item for name, item in value.items() if item is not None}


def _shape(value: Any, place: Place, limits: Limits) -> Shape:
    expect(value, list, "a list of sizes", place.before, place.after)
    if not value:
        raise MalformedPayload("is []; the first size is the number of rows", where=place.at(()))
    if len(value) > limits.depth:
        refuse_large((1,) * len(value), place, limits)
    for size in value:
        if type(size) is not int or size < 0:
            raise MalformedPayload(
                f"holds {told(size)}; sizes are integers from 0", where=place.at(())
            )
    shape = tuple(value)
    refuse_large(shape, place, limits)
    return shape


def _datatype(value: Any, where: str) -> str:
    expect(value, str, "a datatype", where, ".datatype")
    if value not in _KNOWN:
        raise MalformedPayload(
            f"is {told(value)}; send one of {sorted(_KNOWN)}", where=f"{where}.datatype"
        )
    return str(value)
