"""The forms without nulls (binary tensors, gRPC raw and typed), and what they keep of columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from sidelight.protocols import v2_binary, v2_grpc
from sidelight.protocols.v2_binary import BinaryBody
from sidelight.tensors import Column, Columns
from tests.sidelight.column_strategies import some_columns


@dataclass(frozen=True)
class WireForm:
    """How columns are written in one form, and how that is read."""

    encode_request: Callable[[Columns], bytes]
    decode_request: Callable[[bytes], Columns]
    encode_response: Callable[[Columns], bytes]
    decode_response: Callable[[bytes], Columns]


def _binary_request(columns: Columns) -> bytes:
    return v2_binary.encode_request(columns).content


def _binary_response(columns: Columns) -> bytes:
    return v2_binary.encode_response(columns).content


def _with_length(body: BinaryBody) -> bytes:
    return body.json_length.to_bytes(4) + body.content


def _sized_request(columns: Columns) -> bytes:
    return _with_length(v2_binary.encode_request(columns))


def _sized_response(columns: Columns) -> bytes:
    return _with_length(v2_binary.encode_response(columns))


def _decode_sized_request(body: bytes) -> Columns:
    return v2_binary.decode_request(body[4:], int.from_bytes(body[:4]))


def _decode_sized_response(body: bytes) -> Columns:
    return v2_binary.decode_response(body[4:], int.from_bytes(body[:4]))


BINARY = WireForm(
    _binary_request, v2_binary.decode_request, _binary_response, v2_binary.decode_response
)
SIZED = WireForm(_sized_request, _decode_sized_request, _sized_response, _decode_sized_response)
RAW, TYPED = (
    WireForm(
        partial(v2_grpc.encode_request, model="m", contents=contents),
        v2_grpc.decode_request,
        partial(v2_grpc.encode_response, contents=contents),
        v2_grpc.decode_response,
    )
    for contents in ("raw", "typed")
)
FORMS = {"binary": BINARY, "binary with length": SIZED, "gRPC raw": RAW, "gRPC typed": TYPED}


@st.composite
def without_nulls(draw: st.DrawFn, min_rows: int = 1, halves: bool = True) -> Columns:
    """Columns that these forms carry: nulls among floats only; with infinities, some in FP16."""
    columns = draw(some_columns(min_rows))
    return Columns(tuple(_changed(draw, column, halves) for column in columns))


def _changed(draw: st.DrawFn, column: Column, halves: bool) -> Column:
    values, everywhere = column.values.copy(), np.ones(column.values.shape, bool)
    if values.dtype.kind != "f":
        values[values != values] = np.datetime64(0, "us") if column.kind == "time" else 0
        return Column(column.name, values, draw(st.sampled_from([None, everywhere])))
    with np.errstate(over="ignore"):
        values = values.astype(draw(st.sampled_from(["f2", "f4", "f8"] if halves else ["f4"])))
    values[draw(hnp.arrays(bool, values.shape))] = -np.inf
    return replace(column, values=values)


def as_kept(column: Column) -> Column:
    """Nulls are NaN; bytes that could be text are text."""
    if column.valid is not None and column.values.dtype.kind == "f":
        values = column.values.copy()
        values[~column.valid] = np.nan
        return Column(column.name, values)
    if column.kind == "bytes" and column.parameters.get("content_type") != "base64":
        return Column(column.name, _text_if_possible(column))
    return Column(column.name, column.values)


def _text_if_possible(column: Column) -> NDArray[np.object_]:
    found = np.empty(column.values.size, object)
    try:
        found[:] = [cell.decode() for cell in column.values.ravel()]
    except UnicodeDecodeError:
        return column.values
    return found.reshape(column.values.shape)
