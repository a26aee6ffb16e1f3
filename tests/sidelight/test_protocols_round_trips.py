"""What is written is read back: arbitrary columns through V1 and V2, requests and responses."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.errors import DataMismatch
from sidelight.protocols import v1, v2
from sidelight.protocols.contents import iso_of
from sidelight.tensors import Column, Columns
from tests.sidelight.column_strategies import (
    TEXT,
    as_json_keeps,
    assert_same,
    mask_of,
    some_columns,
)


def v2_keeps(columns: Columns) -> Columns:
    return Columns(tuple(as_json_keeps(column) for column in columns))


def v1_keeps(columns: Columns) -> Columns:
    """V1 declares no datatypes: numbers come back in 64 bits, times as text."""
    return Columns(tuple(_v1_keeps(as_json_keeps(column)) for column in columns))


def _v1_keeps(column: Column) -> Column:
    values, valid = column.values, column.valid
    if valid is not None and not valid.any():
        return Column(column.name, np.full(values.shape, np.nan), valid)
    if values.dtype.kind == "M":
        text = iso_of(values, column.name)
        return Column(column.name, text, valid)
    if values.dtype.kind == "f":
        return Column(column.name, values.astype(np.float64), valid)
    if values.dtype.kind in "iu":
        wide = np.uint64 if (values.dtype == np.uint64 and (values >= 2**63).any()) else np.int64
        return Column(column.name, values.astype(wide), valid)
    return column


@given(some_columns(min_rows=0))
def test_a_v2_request_brings_every_column_back(columns: Columns) -> None:
    assert_same(v2.decode_request(v2.encode_request(columns)), v2_keeps(columns))


@given(some_columns(min_rows=0))
def test_a_v2_response_brings_every_column_back(columns: Columns) -> None:
    assert_same(v2.decode_response(v2.encode_response(columns)), v2_keeps(columns))


@given(some_columns())
def test_a_v1_request_of_objects_brings_every_column_back(columns: Columns) -> None:
    assert_same(v1.decode_request(v1.encode_request(columns)), v1_keeps(columns))


@given(some_columns())
def test_a_v1_response_brings_every_column_back(columns: Columns) -> None:
    found = v1.decode_response(v1.encode_response(columns))
    if len(columns.columns) == 1:
        columns = Columns((columns.columns[0].renamed("predictions"),))

    assert_same(found, v1_keeps(columns))


@given(some_columns(inner=()))
def test_a_v1_request_of_lists_brings_the_values_back_by_position(columns: Columns) -> None:
    found = v1.decode_request(v1.encode_request(columns, "matrix")).select(columns.names)

    for one, other, sent in zip(found, v1_keeps(columns), columns, strict=True):
        there = mask_of(other)
        # Arrays of single precision are written with as many digits as those need.
        dtype = sent.values.dtype if sent.values.dtype == np.float32 else other.values.dtype
        np.testing.assert_array_equal(
            one.values[there].astype(dtype), other.values[there].astype(dtype)
        )
        np.testing.assert_array_equal(mask_of(one), there)


@given(some_columns(inner=()))
def test_a_v2_matrix_brings_the_values_back_by_position_or_is_refused(columns: Columns) -> None:
    try:
        body = v2.encode_request(columns, "matrix")
    except DataMismatch:
        return
    found = v2.decode_request(body)

    assert found.names == ("input-0",)
    for one, other in zip(found.select(columns.names), v2_keeps(columns), strict=True):
        there = mask_of(other)
        np.testing.assert_array_equal(one.values[there], other.values[there])
        np.testing.assert_array_equal(mask_of(one), there)


@given(some_columns(), st.dictionaries(TEXT, st.one_of(TEXT, st.booleans(), st.integers(0, 9))))
def test_v2_keeps_what_is_said_beside_the_tensors(
    columns: Columns, said: dict[str, object]
) -> None:
    said.pop("content_type", None)
    parameters = {
        "model_name": "m",
        "model_version": "7",
        "id": "a-1",
        "parameters": said or {"a": 1},
    }
    response = Columns(columns.columns, parameters)

    assert v2.decode_response(v2.encode_response(response)).parameters == parameters


def test_a_v2_request_keeps_id_outputs_and_parameters_of_both_levels() -> None:
    body = orjson.dumps(
        {
            "id": "a-1",
            "parameters": {"priority": 3, "content_type": "pd"},
            "inputs": [
                {
                    "name": "x",
                    "shape": [2],
                    "datatype": "FP32",
                    "parameters": {"unit": "m"},
                    "data": [1, 2],
                }
            ],
            "outputs": [{"name": "y", "parameters": {"classification": 2}}],
        }
    )
    columns = v2.decode_request(body)

    assert columns["x"].parameters == {"unit": "m"}
    assert v2.decode_request(v2.encode_request(columns)).parameters == columns.parameters
    assert columns.parameters == {
        "id": "a-1",
        "parameters": {"priority": 3, "content_type": "pd"},
        "outputs": [{"name": "y", "parameters": {"classification": 2}}],
    }


@pytest.mark.parametrize("bits", [32, 64])
def test_floats_are_written_with_the_digits_that_bring_them_back(bits: int) -> None:
    random = np.random.default_rng(bits)
    raw = random.integers(0, 2**bits, 20_000, dtype=f"u{bits // 8}").view(f"f{bits // 8}")
    column = Column("x", raw[np.isfinite(raw)])
    columns = Columns((column,))

    assert_same(v2.decode_request(v2.encode_request(columns)), columns)
