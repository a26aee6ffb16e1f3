"""Binary tensors and gRPC bring columns back, and say the same as JSON does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.protocols import v2, v2_binary, v2_grpc
from sidelight.protocols.v2_grpc import Contents
from sidelight.tensors import Column, Columns, column_of
from tests.sidelight.column_strategies import TEXT, assert_same, mask_of
from tests.sidelight.wire_forms import BINARY, FORMS, RAW, TYPED, WireForm, as_kept, without_nulls

EACH = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def kept(columns: Columns) -> Columns:
    return Columns(tuple(as_kept(column) for column in columns))


@EACH
@given(data=st.data())
@settings(max_examples=60)
def test_every_column_comes_back(form: WireForm, data: st.DataObject) -> None:
    columns = data.draw(without_nulls(min_rows=0))
    if form is TYPED:
        columns = Columns(tuple(_as_float32(column) for column in columns))

    assert_same(form.decode_request(form.encode_request(columns)), kept(columns))
    assert_same(form.decode_response(form.encode_response(columns)), kept(columns))


def _as_float32(column: Column) -> Column:
    halved = column.values.dtype == np.float16
    return replace(column, values=column.values.astype("f4")) if halved else column


@given(without_nulls(halves=False))
@settings(max_examples=100)
def test_json_binary_and_grpc_say_the_same(columns: Columns) -> None:
    columns = Columns(tuple(_as_json_takes(column) for column in columns))
    expected = v2.decode_request(v2.encode_request(columns))

    for form in (BINARY, RAW, TYPED):
        found = form.decode_request(form.encode_request(columns))
        assert_same(found, expected)
        assert [one.parameters for one in found] == [one.parameters for one in expected]
        answered = form.decode_response(form.encode_response(columns))
        assert_same(answered, v2.decode_response(v2.encode_response(columns)))


def _as_json_takes(column: Column) -> Column:
    """Numbers that are finite, bytes that say that they are."""
    if column.values.dtype.kind == "f":
        return Column(column.name, np.nan_to_num(column.values, nan=0, posinf=1, neginf=1))
    if column.kind == "bytes":
        return replace(column, valid=None, parameters={"content_type": "base64"})
    return replace(column, valid=None)


@EACH
@given(data=st.data())
@settings(max_examples=30)
def test_a_matrix_comes_back_by_position(form: WireForm, data: st.DataObject) -> None:
    rows, width = data.draw(st.integers(0, 4)), data.draw(st.integers(1, 4))
    values = np.arange(rows * width, dtype=data.draw(st.sampled_from(["i2", "f4", "f8"])))
    matrix = Columns((Column("m", values.reshape(rows, width)),))

    found = form.decode_request(form.encode_request(matrix))

    assert_same(
        found, Columns((Column("m", values.reshape(rows, width)[:, 0]),)) if width == 1 else matrix
    )


def test_the_form_matrix_sends_one_input() -> None:
    columns = Columns.of(a=[1, 2], b=[0.5, 1.5])

    binary = v2_binary.encode_request(columns, "matrix", name="x")
    message = v2_grpc.encode_request(columns, "m", form="matrix", name="x")

    for found in (v2_binary.decode_request(binary.content), v2_grpc.decode_request(message)):
        assert found["x"].values.tolist() == [[1, 0.5], [2, 1.5]]


@EACH
@pytest.mark.parametrize("values", [[1, None], ["a", None], [True, None], [b"\xff", None]])
def test_a_null_that_is_no_float_is_refused_by_name(form: WireForm, values: list[object]) -> None:
    columns = Columns((column_of("age", values),))

    with pytest.raises(DataMismatch, match="'age' holds 1 null"):
        form.encode_request(columns)


@EACH
def test_a_time_that_is_none_is_refused_by_name(form: WireForm) -> None:
    columns = Columns((Column("t", np.array(["2026-01-01", "NaT"], "datetime64[us]")),))

    with pytest.raises(DataMismatch, match="'t' holds 1 null"):
        form.encode_request(columns)


@EACH
def test_a_null_among_floats_becomes_nan_whatever_stood_there(form: WireForm) -> None:
    column = Column("x", np.array([1.0, 7.0]), np.array([True, False]))

    found = form.decode_request(form.encode_request(Columns((column,))))

    np.testing.assert_array_equal(found["x"].values, [1.0, np.nan])
    assert mask_of(found["x"]).all()
    assert column.values[1] == 7.0


@EACH
def test_bytes_go_as_they_are_or_as_base64_where_the_column_says_so(form: WireForm) -> None:
    values = np.array([b"\xff\x00", b"ok"], object)
    columns = Columns(
        (Column("raw", values), Column("told", values, None, {"content_type": "base64"}))
    )
    body = form.encode_request(columns)

    assert b"\xff\x00" in body
    assert b"/wA=" in body
    found = form.decode_request(body)
    assert found["raw"].values.tolist() == found["told"].values.tolist() == [b"\xff\x00", b"ok"]
    assert "content_type" not in found["raw"].parameters
    assert found["told"].parameters["content_type"] == "base64"


@EACH
def test_half_a_character_is_refused_by_name(form: WireForm) -> None:
    with pytest.raises(DataMismatch, match="half a character"):
        form.encode_request(Columns.of(name=["\ud800"]))
    with pytest.raises(DataMismatch):
        form.encode_request(Columns((Column("\ud800", np.zeros(1)),)))


@EACH
@given(said=st.dictionaries(TEXT, st.one_of(TEXT, st.booleans(), st.integers(-9, 2**64 - 1))))
@settings(max_examples=30)
def test_what_is_said_beside_the_tensors_comes_back(
    form: WireForm, said: dict[str, object]
) -> None:
    said.pop("content_type", None)
    parameters = {
        "model_name": "m",
        "model_version": "7",
        "id": "a-1",
        "parameters": said or {"a": 1},
    }
    columns = Columns((Column("x", np.zeros(1), None, {"unit": "m"}),), parameters)

    found = form.decode_response(form.encode_response(columns))

    assert found.parameters == parameters
    assert found["x"].parameters == {"unit": "m"}


@EACH
def test_the_outputs_asked_for_come_back(form: WireForm) -> None:
    outputs = [{"name": "y", "parameters": {"classification": 2}}, {"name": "z"}]
    columns = Columns(Columns.of(x=[1]).columns, {"id": "a-1", "outputs": outputs})

    found = form.decode_request(form.encode_request(columns))

    assert found.parameters["outputs"] == outputs
    assert found.parameters["id"] == "a-1"


@EACH
def test_no_columns_are_no_request(form: WireForm) -> None:
    with pytest.raises(DataMismatch, match="no columns"):
        form.encode_request(Columns(()))
    assert len(form.decode_response(form.encode_response(Columns(())))) == 0


@pytest.mark.parametrize("contents", ["raw", "typed"])
def test_what_a_grpc_message_cannot_say_is_refused(contents: Contents) -> None:
    one = Columns.of(x=[1]).columns
    for parameters, told in (
        ({"parameters": {"a": [1]}}, "parameter 'a' is of type list"),
        ({"parameters": {"a": 2**64}}, "parameter 'a' is of type int"),
        ({"outputs": [1]}, r"outputs\[0\]"),
    ):
        with pytest.raises(DataMismatch, match=told):
            v2_grpc.encode_request(Columns(one, parameters), "m", contents=contents)


def damaged(body: bytes, data: st.DataObject) -> bytes:
    """The body with a few bytes replaced, added or taken away at one place."""
    at = data.draw(st.integers(0, len(body)))
    return body[:at] + data.draw(st.binary(max_size=4)) + body[at + data.draw(st.integers(0, 6)) :]


def survives(form: WireForm, body: bytes) -> None:
    """Anything but columns and `MalformedPayload` fails the test that calls this."""
    for decode in (form.decode_request, form.decode_response):
        try:
            columns = decode(body)
        except MalformedPayload:
            continue
        for column in columns:
            assert len(column) == len(columns)
            assert column.kind


@EACH
@given(data=st.data())
@settings(max_examples=60)
def test_damaged_bodies_never_raise_anything_else(form: WireForm, data: st.DataObject) -> None:
    columns = data.draw(without_nulls(halves=form is not TYPED))
    body = data.draw(st.sampled_from([form.encode_request, form.encode_response]))(columns)

    survives(form, damaged(body, data))
    survives(form, body[: data.draw(st.integers(0, len(body)))])


@EACH
@given(body=st.binary(max_size=60))
@settings(max_examples=60)
def test_arbitrary_bytes_never_raise_anything_else(form: WireForm, body: bytes) -> None:
    survives(form, body)


@EACH
@given(values=st.lists(st.integers(-99, 99), min_size=1, max_size=5))
@settings(max_examples=20)
def test_no_beginning_of_a_body_is_read_as_a_whole(form: WireForm, values: list[int]) -> None:
    # One input: a gRPC message that ends between two inputs is a message of one, by the format.
    body = form.encode_request(Columns.of(x=values))
    for end in range(len(body)):
        with pytest.raises(MalformedPayload):
            form.decode_request(body[:end])


@pytest.mark.soak
@EACH
@given(data=st.data())
@settings(max_examples=5_000, deadline=None)
def test_many_damaged_bodies_never_raise_anything_else(form: WireForm, data: st.DataObject) -> None:
    columns = data.draw(without_nulls(halves=form is not TYPED))
    body = data.draw(st.sampled_from([form.encode_request, form.encode_response]))(columns)
    for _ in range(3):
        body = damaged(body, data)
        survives(form, body)
