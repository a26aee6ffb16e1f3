"""V2's tensor objects in JSON, read into `Tensor` and written from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sidelight.errors import DataMismatch, LimitExceeded, MalformedPayload
from sidelight.protocols.datatypes import DATATYPES, native
from sidelight.protocols.documents import Place, told
from sidelight.protocols.elements import Shape, array_of, types_of, unnest
from sidelight.protocols.heads import BFLOAT16, Head, expect, read_head
from sidelight.protocols.limits import Limits
from sidelight.protocols.tensor import Tensor, with_nulls

Reader = Callable[[Any, str, Limits], Tensor]
"""From what stands at a place (``inputs[1]``) to the tensor it is."""

BINARY_SIZE = "binary_data_size"
"""The parameter of a tensor whose elements follow the JSON as bytes."""


def read_tensors(items: Any, key: str, limits: Limits, read: Reader) -> list[Tensor]:
    """The tensors in ``document[key]``, each with a name of its own.

    Raises `MalformedPayload` (`LimitExceeded`) naming the part: ``inputs[1].data``.
    """
    expect(items, list, "a list of tensors", key)
    refuse_many(len(items), key, limits)
    tensors = [read(item, f"{key}[{i}]", limits) for i, item in enumerate(items)]
    first: dict[str, int] = {}
    for i, tensor in enumerate(tensors):
        if first.setdefault(tensor.name, i) != i:
            raise MalformedPayload(
                f"is {told(tensor.name)}, as {key}[{first[tensor.name]}] is; names must be unique",
                where=f"{key}[{i}].name",
            )
    return tensors


def refuse_many(tensors: int, key: str, limits: Limits) -> None:
    """Raise `LimitExceeded` for more tensors than `Limits.columns`."""
    if tensors > limits.columns:
        raise LimitExceeded(
            f"{tensors} tensors, the limit is {limits.columns}; send fewer", where=key
        )


def read_tensor(item: Any, where: str, limits: Limits) -> Tensor:
    """A tensor whose elements stand in its ``data``, as `Reader` wants it."""
    head = read_head(item, where, limits)
    if BINARY_SIZE in head.parameters:
        raise MalformedPayload(
            "is sent as a binary tensor, which JSON alone does not carry", where=f"{where}.data"
        )
    return with_data(head, item.get("data"), where, limits)


def with_data(head: Head, data: Any, where: str, limits: Limits) -> Tensor:
    """The tensor of these elements, flat or nested; nulls are masked.

    Raises `MalformedPayload` (`LimitExceeded`) naming the element that does not fit the head.
    """
    expect(data, list, "a list", where, ".data")
    if head.datatype in ("FP16", BFLOAT16):
        raise MalformedPayload(
            f"is {head.datatype}, which JSON does not carry; send FP32", where=f"{where}.datatype"
        )
    place = Place(f"{where}.data")
    flat, nested = unnest(data, (len(data),), place, limits)
    _agree(head, nested, len(flat), place)
    values, valid = array_of(DATATYPES[head.datatype], flat, types_of(flat), nested, place)
    valid = None if valid is None else valid.reshape(head.shape)
    return Tensor(head.name, head.datatype, values.reshape(head.shape), valid, head.parameters)


def _agree(head: Head, nested: Shape, count: int, place: Place) -> None:
    """Flat data must fill the shape; nested data must also have it, sizes of 1 aside."""
    refuse_other_count(head, count, place)
    if len(nested) > 1 and count and _without_ones(head.shape) != _without_ones(nested):
        raise MalformedPayload(
            f"is nested as {list(nested)}, shape says {list(head.shape)}; make them agree",
            where=place.at(()),
        )


def refuse_other_count(head: Head, count: int, place: Place) -> None:
    """Raise `MalformedPayload` unless as many elements came as the shape says."""
    if head.elements != count:
        raise MalformedPayload(
            f"has {count} elements, shape {list(head.shape)} holds {head.elements}; "
            f"send {head.elements} or correct the shape",
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
    return head_of(tensor) | {"data": flat}


def head_of(tensor: Tensor) -> dict[str, Any]:
    """What a tensor object says beside the elements."""
    found = {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype}
    return found | ({"parameters": dict(tensor.parameters)} if tensor.parameters else {})
