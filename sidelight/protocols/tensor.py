"""A tensor as the Open Inference Protocol has it: what JSON, binary tensors and gRPC share.

Each of them reads and writes tensors; only here do tensors become columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.protocols.contents import (
    base64_of,
    bytes_of,
    iso_of,
    text_if_utf8,
    text_of,
    times_of,
)
from sidelight.protocols.datatypes import datatype_of
from sidelight.protocols.documents import Place
from sidelight.protocols.elements import Masked
from sidelight.tensors import Column, Columns


@dataclass(frozen=True, eq=False, slots=True)
class Tensor:
    """One named input or output as it is on the wire.

    `values` has the declared shape and the datatype's dtype; BYTES is an object array of ``str``
    (from JSON) or ``bytes`` (from binary forms), still base64 or ISO 8601 where
    ``parameters["content_type"]`` says so. `valid` is False where null was sent.
    """

    name: str
    datatype: str
    values: NDArray[Any]
    valid: NDArray[np.bool_] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape


def column_from(tensor: Tensor, place: Place) -> Column:
    """The tensor as a column: ``(n, 1)`` becomes ``(n,)``, BYTES what its content type says.

    BYTES of the binary forms are text where all of them are UTF-8, and must be that where their
    content type speaks of text. Raises `MalformedPayload` for those not of their content type.
    """
    values, valid = tensor.values, tensor.valid
    if tensor.datatype == "BYTES":
        content_type = tensor.parameters.get("content_type", "")
        if values.size and type(values.flat[0]) is bytes:
            values = text_of(values, place) if content_type in _TEXTUAL else text_if_utf8(values)
        if reading := _READINGS.get(content_type):
            values = reading(values.ravel().tolist(), values.shape, valid, place)
    valid = None if valid is None else flat_rows(valid)
    return Column(tensor.name, flat_rows(values), valid, tensor.parameters)


def flat_rows(values: NDArray[Any]) -> NDArray[Any]:
    """``(n, 1)`` as ``(n,)``: peers write a column either way."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def standing(values: NDArray[Any]) -> NDArray[Any]:
    """``(n,)`` as ``(n, 1)``, the form that every peer reads."""
    return values[:, None] if values.ndim == 1 else values


_READINGS = {"base64": bytes_of, "datetime": times_of}
_TEXTUAL = ("str", *_READINGS)
_CONTENT_TYPES = {"string": "str", "bytes": "base64", "time": "datetime"}


def tensor_from(column: Column) -> Tensor:
    """The column as a tensor: ``(n,)`` becomes ``(n, 1)``, times and bytes text, NaT null.

    Raises `DataMismatch` naming a column whose values have no datatype.
    """
    values, valid = wire_form(column)
    datatype = datatype_of(values, column.name).name
    valid = None if valid is None else standing(valid)
    return Tensor(column.name, datatype, standing(values), valid, _described(column))


def wire_form(column: Column) -> Masked:
    """The values as JSON writes them: bytes as base64, times as ISO 8601 (NaT is null).

    Raises `DataMismatch` for infinities and for objects that are not of the column's kind.
    """
    kind, values, valid = column.kind, column.values, column.valid
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise DataMismatch(f"column {column.name!r} holds an infinity, which JSON does not carry")
    if values.dtype.kind == "O":
        refuse_mixed(column)
    if kind == "bytes":
        return base64_of(values), valid
    if kind == "time":
        there = ~np.isnat(values) if valid is None else valid & ~np.isnat(values)
        return iso_of(values, column.name), None if there.all() else there
    return values, valid


def with_nulls(values: NDArray[Any], valid: NDArray[np.bool_] | None) -> NDArray[Any]:
    """The values as they are, or as objects with None where they are not valid."""
    if valid is None:
        return values
    cells = values.astype(object)
    cells[~valid] = None
    return cells


def refuse_mixed(column: Column) -> None:
    """Raise `DataMismatch` for objects that are not of the column's kind."""
    expected = bytes if column.kind == "bytes" else str
    types = set(map(type, column.values.ravel().tolist()))
    if not all(issubclass(found, expected) for found in types):
        raise DataMismatch(f"column {column.name!r} mixes {column.kind} with others; send one kind")


def _described(column: Column) -> dict[str, Any]:
    """The column's parameters with the content type that its values have now."""
    kept = {key: value for key, value in column.parameters.items() if key != "content_type"}
    given = column.parameters.get("content_type")
    if column.kind == "string" and given not in (None, "base64", "datetime"):
        return {**kept, "content_type": given}
    # MLServer's `str` forgets the shape, so a tensor of text goes without.
    if column.kind in _CONTENT_TYPES and not (column.kind == "string" and column.is_tensor):
        return {**kept, "content_type": _CONTENT_TYPES[column.kind]}
    return kept


def matrix_from(
    columns: Columns, name: str, convert: Callable[[Column], Tensor] = tensor_from
) -> Tensor:
    """All columns side by side as one ``(n, columns)`` tensor; a lone tensor column as it is.

    `convert` makes a tensor of each column: `tensor_from` as JSON has it, or that of another form.
    Raises `DataMismatch` when the columns have no common datatype that keeps every value.
    """
    lone = columns.columns[0]
    if len(columns.columns) == 1 and lone.is_tensor:
        return convert(lone)
    for column in columns:
        if column.is_tensor:
            raise DataMismatch(
                f"column {column.name!r} is a tensor; it fits no matrix, send columns"
            )
    parts = [convert(column) for column in columns]
    contents = {part.parameters.get("content_type") for part in parts}
    if len({part.datatype == "BYTES" for part in parts}) > 1 or len(contents) > 1:
        told = ", ".join(f"{column.name!r}: {column.kind}" for column in columns.columns[:8])
        raise DataMismatch(f"a matrix holds one kind of value, got {told}; send columns")
    dtype = np.result_type(*(part.values.dtype for part in parts))
    values = np.hstack([_cast(part, dtype) for part in parts])
    masks = [np.ones(part.shape, bool) if part.valid is None else part.valid for part in parts]
    valid = None if all(part.valid is None for part in parts) else np.hstack(masks)
    content = contents.pop()
    kept = {"content_type": content} if content in _READINGS else {}
    return Tensor(name, datatype_of(values, name).name, values, valid, kept)


def _cast(part: Tensor, dtype: np.dtype[Any]) -> NDArray[Any]:
    cast = part.values.astype(dtype, copy=False)
    if part.values.dtype.kind in "iu" and dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            lost = cast.astype(part.values.dtype) != part.values
        if lost.any():
            raise DataMismatch(f"column {part.name!r} loses digits as {dtype}; send columns")
    return cast
