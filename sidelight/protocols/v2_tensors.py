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
    expect(items, list, key, "a list of tensors")
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


def expect(value: Any, kind: type, where: str, wanted: str) -> None:
    """Raise `MalformedPayload` unless `value` is exactly of that JSON type."""
    if type(value) is not kind:
        got = "missing" if value is None else told(value)
        raise MalformedPayload(f"is {got}; {wanted} is needed", where=where)


def read_parameters(value: Any, where: str, limits: Limits) -> dict[str, Any]:
    """A `parameters` object; null and absent are the same. `content_type` must be text."""
    if value is None:
        return {}
    expect(value, dict, where, "an object")
    refuse_deep(value, where, limits)
    if value.get("content_type") is not None:
        expect(value["content_type"], str, f"{where}.content_type", "text")
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
    expect(item, dict, where, "an object with name, shape, datatype and data")
    name, data = item.get("name"), item.get("data")
    expect(name, str, f"{where}.name", "text")
    parameters = read_parameters(item.get("parameters"), f"{where}.parameters", limits)
    if data is None and "binary_data_size" in parameters:
        raise MalformedPayload("is sent as a binary tensor; send it as JSON", where=f"{where}.data")
    expect(data, list, f"{where}.data", "a list")
    shape = _shape(item.get("shape"), f"{where}.shape", limits)
    datatype = _datatype(item.get("datatype"), f"{where}.datatype")
    place = Place(f"{where}.data")
    flat, nested = unnest(data, (len(data),), place, limits)
    _agree(shape, nested, len(flat), f"{where}.data")
    values, valid = array_of(datatype, flat, types_of(flat), nested, place)
    valid = None if valid is None else valid.reshape(shape)
    return Tensor(name, datatype.name, values.reshape(shape), valid, parameters)


def _shape(value: Any, where: str, limits: Limits) -> Shape:
    expect(value, list, where, "a list of sizes")
    if not value:
        raise MalformedPayload("is []; the first size is the number of rows", where=where)
    if len(value) > limits.depth:
        refuse_large((1,) * len(value), Place(where), limits)
    for size in value:
        if type(size) is not int or size < 0:
            raise MalformedPayload(f"holds {told(size)}; sizes are integers from 0", where=where)
    refuse_large(tuple(value), Place(where), limits)
    return tuple(value)


def _datatype(value: Any, where: str) -> Datatype:
    expect(value, str, where, "a datatype")
    if value == "FP16":
        raise MalformedPayload("is FP16, which JSON does not carry; send FP32", where=where)
    if value not in DATATYPES:
        raise MalformedPayload(f"is {told(value)}; send one of {sorted(DATATYPES)}", where=where)
    return DATATYPES[value]


def _agree(shape: Shape, nested: Shape, count: int, where: str) -> None:
    """Flat data must fill the shape; nested data must also have it, sizes of 1 aside."""
    elements = math.prod(shape)
    if elements != count:
        raise MalformedPayload(
            f"has {count} elements, shape {list(shape)} holds {elements}; "
            f"send {elements} or correct the shape",
            where=where,
        )
    if len(nested) > 1 and count and _without_ones(shape) != _without_ones(nested):
        raise MalformedPayload(
            f"is nested as {list(nested)}, shape says {list(shape)}; make them agree", where=where
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
