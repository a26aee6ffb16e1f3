"""Arbitrary columns, and what it means that two are the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidelight.tensors import Column, Columns

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
# A lone text column "b64" is refused in V1; it has a test of its own.
NAMES = st.text(st.characters(codec="utf-8"), max_size=6).filter(lambda name: name != "b64")
NUMBERS = ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"]
_OBJECTS = {
    "text": TEXT,
    "bytes": st.binary(max_size=8),
    "time": st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)),
}
_NEUTRAL = {"text": "", "bytes": b"", "time": np.datetime64("NaT")}


@st.composite
def column(draw: st.DrawFn, name: str, rows: int, inner: tuple[int, ...] | None = None) -> Column:
    kind = draw(st.sampled_from([*NUMBERS, *_OBJECTS]))
    if inner is None:
        inner = draw(st.sampled_from([(), (), (2,), (2, 3)]))
    shape = (rows, *inner)
    values, neutral = _values(draw, kind, shape)
    if not draw(st.booleans()):
        return Column(name, values)
    valid = draw(hnp.arrays(bool, shape))
    values[~valid] = neutral
    return Column(name, values, valid)


def _values(draw: st.DrawFn, kind: str, shape: tuple[int, ...]) -> tuple[Any, Any]:
    size = int(np.prod(shape))
    if kind in _OBJECTS:
        values = np.empty(size, object)
        values[:] = draw(st.lists(_OBJECTS[kind], min_size=size, max_size=size))
        typed = values.astype("datetime64[us]") if kind == "time" else values
        return typed.reshape(shape), _NEUTRAL[kind]
    dtype = np.dtype(kind)
    if dtype.kind != "f":
        return draw(hnp.arrays(dtype, shape)), 0
    elements = st.floats(width=32 if kind == "f4" else 64, allow_infinity=False)
    return draw(hnp.arrays(dtype, shape, elements=elements)), np.nan


@st.composite
def some_columns(
    draw: st.DrawFn, min_rows: int = 1, inner: tuple[int, ...] | None = None
) -> Columns:
    rows = draw(st.integers(min_rows, 4))
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    return Columns(tuple(draw(column(name, rows, inner)) for name in names))


def as_json_keeps(column: Column) -> Column:
    """JSON has no NaN: it is sent as null."""
    values = column.values
    if values.dtype.kind not in "fM":
        return column
    there = ~np.isnan(values) if values.dtype.kind == "f" else ~np.isnat(values)
    return replace(column, valid=there if column.valid is None else column.valid & there)


def assert_same(found: Columns, expected: Columns) -> None:
    assert found.names == expected.names
    for one, other in zip(found, expected, strict=True):
        assert one.values.dtype == other.values.dtype
        assert one.values.shape == other.values.shape
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(mask_of(one), mask_of(other))


def mask_of(column: Column) -> Any:
    """Where the column is valid, as an array also when nothing is masked."""
    return np.ones(column.values.shape, bool) if column.valid is None else column.valid
