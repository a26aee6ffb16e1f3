"""V2's tensor objects in JSON, read into `Tensor` and written from it."""

from __future__ import annotations

import math
from typing import Any

from sidelight.errors import DataMismatch, LimitExceeded, MalformedPayload
from sidelight.protocols.datatypes import DATATYPES, Datatype, native
from sidelight.protocols.documents import Place, told
from sidelight.protocols.elements import Shape, array_of, refuse_large, types_of, unnest
from sidelight.protocols.limits import Limits
from sidelight.protocols.tensor import Tensor, with_nulls


def read_tensors(items: Any, key: str, limits: Limits) -> list[Tensor]:
    """The tensors in ``document[key]``, each with a name of its own.

    Raises `MalformedPayload` (`LimitExceeded`) naming the part: ``inputs[1].data``.
    """
    expect(items, list, "a list of tensors", key)
    if len(items) > limits.columns:
        raise LimitExceeded(
            f"{len(items)} tensors, the limit is {limits.columns}; send fewer", where=key
        )
    tensors = [_read(item, f"{key}[{i}]", limits) for i, item in enumerate(items)]
    first: dict[str, int] = {}
    for i, tensor in enumerate(tensors):
        if first.setdefault(tensor.name, i) != i:
            raise MalformedPayload(
                f"is {told(tensor.name)}, as {key}[{first[tensor.name]}] is; names must be unique",
                where=f"{key}[{i}].name",
            )
    return tensors


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


def refuse_deep(value: Any, where: str, limits: Limits) -> None:
    """Raise `LimitExceeded` when objects and lists in `value` nest deeper than `Limits.depth`."""
    level = [value]
    for _ in range(limits.depth):
        inner: list[Any] = []
        for item in level:
            inner.extend(item.values() if type(item) is dict else item)
        level = [item for item in inner if type(item) in (dict, list)]
        if not level:
            return
    raise LimitExceeded(f"nested deeper than {limits.depth}; send flatter data", where=where)


def _read(item: Any, where: str, limits: Limits) -> Tensor:
    expect(item, dict, "an object with name, shape, datatype and data", where)
    name, data, parameters = item.get("name"), item.get("data"), item.get("parameters")
    expect(name, str, "text", where, ".name")
    if parameters is not None:
        parameters = read_parameters(parameters, f"{where}.parameters", limits)
    if data is None and parameters and "binary_data_size" in parameters:
        raise MalformedPayload("is sent as a binary tensor; send it as JSON", where=f"{where}.data")
    expect(data, list, "a list", where, ".data")
    shape = _shape(item.get("shape"), Place(where, ".shape"), limits)
    datatype = _datatype(item.get("datatype"), where)
    place = Place(f"{where}.data")
    flat, nested = unnest(data, (len(data),), place, limits)
    _agree(shape, nested, len(flat), place)
    values, valid = array_of(datatype, flat, types_of(flat), nested, place)
    valid = None if valid is None else valid.reshape(shape)
    return Tensor(name, datatype.name, values.reshape(shape), valid, parameters or {})


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


def _datatype(value: Any, where: str) -> Datatype:
    expect(value, str, "a datatype", where, ".datatype")
    known = DATATYPES.get(value)
    if known is None:
        raise MalformedPayload(
            f"is {told(value)}; send one of {sorted(DATATYPES)}", where=f"{where}.datatype"
        )
    if value == "FP16":
        raise MalformedPayload(
            "is FP16, which JSON does not carry; send FP32", where=f"{where}.datatype"
        )
    return known


def _agree(shape: Shape, nested: Shape, count: int, place: Place) -> None:
    """Flat data must fill the shape; nested data must also have it, sizes of 1 aside."""
    elements = math.prod(shape)
    if elements != count:
        raise MalformedPayload(
            f"has {count} elements, shape {list(shape)} holds {elements}; "
            f"send {elements} or correct the shape",
            where=place.at(()),
        )
    if len(nested) > 1 and count and _without_ones(shape) != _without_ones(nested):
        raise MalformedPayload(
            f"is nested as {list(nested)}, shape says {list(shape)}; make them agree",
            where=place.at(()),
        )


def _without_ones(shape: Shape) -> list[int]:
    return [size for size in shape if size != 1]


def json_of(tensor: Tensor) -> dict[str, Any]:
    """The tensor as an object that `write_object` writes, data flat; NaN and masked as null.

    Raises `DataMismatch` for FP16, which JSON does not carry.
    """
    if tensor.datatype == "FP16":
        raise DataMismatch(f"column {tensor.name!r} is FP16, which JSON does not carry; use FP32")
    flat: Any = with_nulls(native(tensor.values), tensor.valid).ravel()
    if flat.dtype.kind in "OU":
        flat = flat.tolist()
    found = {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype}
    described = {"parameters": dict(tensor.parameters)} if tensor.parameters else {}
    return {**found, **described, "data": flat}
