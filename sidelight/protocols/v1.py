"""KServe's V1 protocol (TensorFlow Serving's REST form) as columns and back.

Rows are objects (named columns), lists (one tensor, or columns "0", "1", ... when their values are
of different kinds) or scalars (one column). Columns may come as an object of lists. A column that
nobody named has the name of the key it stood under: "instances", "inputs", "predictions".

Source: KServe documentation, "V1 Protocol"; TensorFlow Serving, "RESTful API".
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.protocols.datatypes import native
from sidelight.protocols.documents import parse_object, write_object
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.protocols.tensor import wire_form, with_nulls
from sidelight.protocols.v1_rows import read_rows
from sidelight.tensors import Column, Columns

Form = Literal["columns", "matrix"]
"""columns: a row is an object by column name. matrix: a row is a list in column order."""


def decode_request(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The rows under ``instances`` or ``inputs``.

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`), nothing else.
    """
    return _decode(body, ("instances", "inputs"), limits)


def decode_response(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Columns:
    """The rows under ``predictions`` (``outputs`` in TensorFlow Serving's column form).

    Raises `MalformedPayload` (`LimitExceeded` beyond `limits`), nothing else.
    """
    return _decode(body, ("predictions", "outputs"), limits)


def encode_request(columns: Columns, form: Form = "columns") -> bytes:
    """The rows under ``instances``, as objects or as lists.

    NaN, NaT and nulls are sent as null, times as ISO 8601 text.
    Raises `DataMismatch` naming the column JSON cannot carry.
    """
    if not columns.columns:
        raise DataMismatch("there are no columns to send; a request needs one at least")
    return write_object({"instances": _lists(columns) if form == "matrix" else _objects(columns)})


def encode_response(columns: Columns) -> bytes:
    """The rows under ``predictions``: one column as its values, several as objects by name.

    NaN, NaT and nulls are sent as null, times as ISO 8601 text.
    Raises `DataMismatch` naming the column JSON cannot carry.
    """
    if len(columns.columns) == 1:
        return write_object({"predictions": _cells(columns.columns[0])})
    return write_object({"predictions": _objects(columns)})


def _decode(body: bytes, keys: tuple[str, str], limits: Limits) -> Columns:
    document = parse_object(body, limits)
    there = [key for key in keys if key in document]
    if len(there) != 1:
        got = "both are" if there else "neither is"
        raise MalformedPayload(
            f"{got} there; send one of {keys[0]!r} and {keys[1]!r}", where="body"
        )
    return read_rows(document[there[0]], there[0], limits)


def _objects(columns: Columns) -> list[dict[str, Any]]:
    names = columns.names
    if names == ("b64",) and columns["b64"].kind == "string":
        raise DataMismatch("column 'b64' alone would be read as base64; give it another name")
    lists = [_cells(column) for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def _lists(columns: Columns) -> Any:
    first = columns.columns[0]
    if len(columns.columns) == 1 and first.is_tensor:
        return _cells(first)
    if all(_is_plain(column) and column.values.dtype == first.values.dtype for column in columns):
        return native(np.stack([wire_form(column)[0] for column in columns], axis=1))
    return list(zip(*map(_cells, columns), strict=True))


def _is_plain(column: Column) -> bool:
    """True for scalars that JSON can be written of straight from the array."""
    return column.valid is None and not column.is_tensor and column.kind in ("number", "boolean")


def _cells(column: Column) -> list[Any]:
    """One JSON value a row."""
    values, valid = wire_form(column)
    if column.kind == "bytes":
        values = _boxed(values)
    cells: list[Any] = with_nulls(values, valid).tolist()
    return cells


def _boxed(text: NDArray[Any]) -> NDArray[Any]:
    boxed = np.empty(text.size, object)
    boxed[:] = [{"b64": cell} for cell in text.ravel()]
    return boxed.reshape(text.shape)
