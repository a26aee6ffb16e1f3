"""V2's forms, each written out as senders write it, and the dialects of KServe and MLServer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pytest

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.protocols import v2
from sidelight.tensors import Column, Columns, column_of


def tensor(**change: Any) -> dict[str, Any]:
    return {"name": "x", "shape": [2], "datatype": "INT64", "data": [1, 2]} | change


def request(*inputs: dict[str, Any], **more: Any) -> Columns:
    return v2.decode_request(orjson.dumps({"inputs": inputs, **more}))


@pytest.mark.parametrize(
    ("datatype", "dtype", "data"),
    [
        ("BOOL", "?", [True, False]),
        ("UINT8", "u1", [0, 2**8 - 1]),
        ("UINT16", "u2", [0, 2**16 - 1]),
        ("UINT32", "u4", [0, 2**32 - 1]),
        ("UINT64", "u8", [0, 2**64 - 1]),
        ("INT8", "i1", [-(2**7), 2**7 - 1]),
        ("INT16", "i2", [-(2**15), 2**15 - 1]),
        ("INT32", "i4", [-(2**31), 2**31 - 1]),
        ("INT64", "i8", [-(2**63), 2**63 - 1]),
        ("FP32", "f4", [-0.5, 3]),
        ("FP64", "f8", [-0.1, 1e308]),
        ("BYTES", "O", ["", "é"]),
    ],
)
def test_every_datatype_has_its_dtype_and_whole_range(datatype: str, dtype: str, data: Any) -> None:
    column = request(tensor(datatype=datatype, data=data))["x"]

    assert column.values.dtype == np.dtype(dtype)
    assert column.values.tolist() == data


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
def test_data_is_flat_or_nested(data: Any) -> None:
    column = request(tensor(shape=[2, 3], data=data))["x"]

    np.testing.assert_array_equal(column.values, [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("shape", [[2], [2, 1]])
@pytest.mark.parametrize("data", [[1, 2], [[1], [2]]])
def test_one_value_a_row_is_a_plain_column_in_either_shape(shape: Any, data: Any) -> None:
    assert request(tensor(shape=shape, data=data))["x"].values.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("datatype", "data", "neutral"),
    [("INT32", [1, None], 0), ("BOOL", [True, None], False), ("BYTES", ["a", None], "")],
)
def test_nulls_are_masked_and_neutral(datatype: str, data: Any, neutral: Any) -> None:
    column = request(tensor(datatype=datatype, data=data))["x"]

    assert column.valid is not None
    assert column.valid.tolist() == [True, False]
    assert column.values[1] == neutral


def test_a_null_in_a_float_tensor_is_a_masked_nan() -> None:
    column = request(tensor(datatype="FP32", shape=[2, 2], data=[1, None, 2, 3]))["x"]

    assert column.valid is not None
    assert column.valid.tolist() == [[True, False], [True, True]]
    assert np.isnan(column.values[0, 1])


def test_many_inputs_are_columns_and_one_is_a_matrix() -> None:
    many = request(tensor(name="age"), tensor(name="sex", datatype="BYTES", data=["m", "f"]))
    one = request(tensor(shape=[2, 3], data=[1, 2, 3, 4, 5, 6]))

    assert many.names == ("age", "sex")
    assert one.select(["a", "b", "c"])["b"].values.tolist() == [2, 5]


def test_no_rows_are_an_answer() -> None:
    column = request(tensor(shape=[0, 3], data=[]))["x"]

    assert column.values.shape == (0, 3)


@pytest.mark.parametrize("content_type", ["np", "pd", "str", "pd_json", None])
def test_bytes_are_text_unless_said_otherwise(content_type: str | None) -> None:
    parameters = {"content_type": content_type}
    column = request(tensor(datatype="BYTES", data=["aGk=", ""], parameters=parameters))["x"]

    assert column.values.tolist() == ["aGk=", ""]


def test_base64_and_datetime_are_read_from_bytes_tensors() -> None:
    columns = request(
        tensor(
            name="raw", datatype="BYTES", data=["aGk=", None], parameters={"content_type": "base64"}
        ),
        tensor(
            name="time",
            datatype="BYTES",
            data=["2026-01-31T12:00:00+01:00", "2026-01-31"],
            parameters={"content_type": "datetime"},
        ),
        parameters={"content_type": "pd"},
    )

    assert columns["raw"].values.tolist() == [b"hi", b""]
    assert columns["time"].values.tolist() == [datetime(2026, 1, 31, 11), datetime(2026, 1, 31)]


def test_the_content_type_of_an_input_beats_the_requests() -> None:
    columns = request(
        tensor(datatype="BYTES", data=["aGk=", ""], parameters={"content_type": "base64"}),
        parameters={"content_type": "str"},
    )

    assert columns["x"].kind == "bytes"


def test_content_types_of_text_mean_nothing_for_numbers() -> None:
    assert request(tensor(parameters={"content_type": "base64"}))["x"].kind == "number"


def test_base64_of_the_whole_request_is_not_a_content_type_of_requests() -> None:
    columns = request(
        tensor(datatype="BYTES", data=["aGk=", ""]), parameters={"content_type": "base64"}
    )

    assert columns["x"].values.tolist() == ["aGk=", ""]


KSERVE = b"""{"model_name":"income","model_version":null,"id":"a1","parameters":null,"outputs":[
{"name":"output-0","shape":[2,2],"datatype":"FP64","parameters":null,"data":[0.1,0.9,0.8,0.2]}]}"""

MLSERVER = b"""{"model_name":"income","model_version":"v2","id":"a1","parameters":
{"content_type":"pd"},"outputs":[{"name":"label","shape":[2,1],"datatype":"BYTES","parameters":
{"content_type":"str"},"data":["yes",null]}]}"""


def test_kserves_explicit_nulls_and_flat_data_are_read() -> None:
    columns = v2.decode_response(KSERVE)

    assert columns.parameters == {"model_name": "income", "id": "a1"}
    np.testing.assert_array_equal(columns["output-0"].values, [[0.1, 0.9], [0.8, 0.2]])


def test_mlservers_content_types_and_version_are_read() -> None:
    columns = v2.decode_response(MLSERVER)

    assert columns.parameters["model_version"] == "v2"
    assert columns["label"].values.tolist() == ["yes", ""]


def test_an_answer_without_outputs_has_no_columns() -> None:
    assert len(v2.decode_response(b'{"model_name":"drift","outputs":[]}').columns) == 0


def test_a_request_of_columns_says_pd_so_that_peers_read_every_input() -> None:
    body = orjson.loads(v2.encode_request(Columns.of(age=[39, 50], sex=["m", None])))

    assert body == {
        "parameters": {"content_type": "pd"},
        "inputs": [
            {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [39, 50]},
            {
                "name": "sex",
                "shape": [2, 1],
                "datatype": "BYTES",
                "parameters": {"content_type": "str"},
                "data": ["m", None],
            },
        ],
    }


def test_a_matrix_is_one_input_of_the_smallest_common_datatype() -> None:
    columns = Columns(
        (Column("a", np.array([1, 2], np.int8)), Column("b", np.array([0.5, 1], "f4")))
    )
    body = orjson.loads(v2.encode_request(columns, "matrix", name="features"))

    assert body["parameters"] == {"content_type": "np"}
    assert body["inputs"] == [
        {"name": "features", "shape": [2, 2], "datatype": "FP32", "data": [1.0, 0.5, 2.0, 1.0]}
    ]


def test_an_image_is_sent_in_its_own_shape_in_both_forms() -> None:
    columns = Columns((column_of("image", np.zeros((1, 2, 2))),))
    bodies = [orjson.loads(v2.encode_request(columns, form)) for form in ("columns", "matrix")]

    assert bodies[0] == bodies[1]
    assert bodies[0]["inputs"][0]["shape"] == [1, 2, 2]
    assert bodies[0]["parameters"] == {"content_type": "np"}


def test_arrays_in_any_order_and_byte_order_are_written() -> None:
    values = np.arange(6, dtype=">i4").reshape(2, 3)
    columns = Columns((Column("a", np.asfortranarray(values)), Column("b", values[:, 1])))
    found = v2.decode_request(v2.encode_request(columns))

    assert found["a"].values.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b"].values.tolist() == [1, 4]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (Columns(()), "no columns"),
        (Columns.of(x=np.array([1], np.float16)), "'x' is FP16"),
        (Columns.of(x=np.array([1j])), "'x': dtype complex128"),
        (Columns.of(x=[-np.inf]), "'x' holds an infinity"),
        (Columns.of(x=["\ud800"]), "cannot be written as JSON"),
        (Columns((Column("x", np.array(["a", 1], object)),)), "'x' mixes string"),
    ],
)
def test_what_json_cannot_carry_is_refused_by_name(columns: Columns, told: str) -> None:
    with pytest.raises(DataMismatch, match=told):
        v2.encode_request(columns)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (Columns.of(a=[1], b=["x"]), "'a': number, 'b': string"),
        (Columns.of(a=[2**53 + 1], b=[0.5]), "'a' loses digits"),
        (Columns.of(a=[1], b=[[1, 2]]), "'b' is a tensor"),
    ],
)
def test_what_makes_no_matrix_is_refused_by_name(columns: Columns, told: str) -> None:
    with pytest.raises(DataMismatch, match=told):
        v2.encode_request(columns, "matrix")


def test_fp16_is_refused_in_json() -> None:
    with pytest.raises(MalformedPayload, match=r"inputs\[0\].datatype: is FP16") as caught:
        request(tensor(datatype="FP16"))

    assert caught.value.where == "inputs[0].datatype"
