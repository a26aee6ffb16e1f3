"""V1's forms, each written out as senders write it."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from sidelight.errors import DataMismatch
from sidelight.protocols import v1
from sidelight.tensors import Columns, column_of


def request(**body: Any) -> Columns:
    return v1.decode_request(orjson.dumps(body))


def test_numeric_rows_are_one_tensor_named_after_their_key() -> None:
    columns = request(instances=[[1, 2.5], [3, 4]])

    assert columns.names == ("instances",)
    np.testing.assert_array_equal(columns["instances"].values, [[1.0, 2.5], [3.0, 4.0]])


def test_integers_alone_stay_integers() -> None:
    assert request(inputs=[[1, 2], [3, 4]])["inputs"].values.dtype == np.int64
    assert request(inputs=[2**63, 1])["inputs"].values.dtype == np.uint64


def test_rows_of_different_kinds_are_columns_by_position() -> None:
    columns = request(instances=[[39, "m", True, None], [50, "f", False, 1.5]])

    assert columns.names == ("0", "1", "2", "3")
    assert [column.kind for column in columns] == ["number", "string", "boolean", "number"]
    assert columns.select(["age", "sex", "ok", "gain"])["sex"].values.tolist() == ["m", "f"]
    assert columns["3"].valid is not None
    assert columns["3"].valid.tolist() == [False, True]


def test_an_integer_that_a_double_cannot_hold_is_kept_beside_floats() -> None:
    columns = request(instances=[[2**53 + 1, 0.5], [7, 1.5]])

    assert columns["0"].values.tolist() == [2**53 + 1, 7]
    assert columns["1"].values.tolist() == [0.5, 1.5]


def test_integers_that_fit_no_one_datatype_are_columns_by_position() -> None:
    columns = request(instances=[[2**64 - 1, -1], [0, 2]])

    assert columns["0"].values.tolist() == [2**64 - 1, 0]
    assert columns["1"].values.tolist() == [-1, 2]


def test_rows_may_hold_tensors_beside_values() -> None:
    columns = request(instances=[["a", [[1, 2], [3, 4]]], ["b", [[5, 6], [7, 8]]]])

    assert columns["0"].values.tolist() == ["a", "b"]
    assert columns["1"].values.shape == (2, 2, 2)


def test_positions_of_different_widths_are_columns_of_their_own() -> None:
    columns = request(instances=[[[1, 2], [3, 4, 5]], [[6, 7], [8, 9, 10]]])

    assert columns["0"].values.shape == (2, 2)
    assert columns["1"].values.shape == (2, 3)


def test_images_are_one_tensor() -> None:
    assert request(instances=np.zeros((2, 4, 4, 3)).tolist())["instances"].values.shape == (
        2,
        4,
        4,
        3,
    )


def test_rows_as_objects_are_named_columns_in_any_key_order() -> None:
    columns = request(instances=[{"age": 39, "sex": "m"}, {"sex": None, "age": 50}])

    assert columns.names == ("age", "sex")
    assert columns["age"].values.tolist() == [39, 50]
    assert columns["sex"].valid is not None
    assert columns["sex"].valid.tolist() == [True, False]


@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_columns_may_come_as_an_object_of_lists(key: str) -> None:
    columns = request(**{key: {"age": [39, 50], "sex": [["m"], ["f"]]}})

    assert columns["age"].values.tolist() == [39, 50]
    assert columns["sex"].values.tolist() == ["m", "f"]


def test_base64_objects_are_bytes_alone_and_in_named_columns() -> None:
    alone = request(instances=[{"b64": "aGk="}, {"b64": "/w=="}])
    named = request(instances=[{"image": {"b64": "aGk="}, "key": 1}, {"image": None, "key": 2}])

    assert alone["instances"].values.tolist() == [b"hi", b"\xff"]
    assert named["image"].values.tolist() == [b"hi", b""]
    assert named["image"].kind == "bytes"


def test_nulls_alone_are_a_column_of_nulls() -> None:
    column = request(instances=[None, None])["instances"]

    assert np.isnan(column.values).all()
    assert column.valid is not None
    assert not column.valid.any()


def test_no_rows_are_no_columns() -> None:
    assert len(request(instances=[]).columns) == 0


@pytest.mark.parametrize(
    ("predictions", "names"),
    [
        ([0.1, 0.9], ("predictions",)),
        ([[0.1], [0.9]], ("predictions",)),
        ([[0.1, 0.9], [0.8, 0.2]], ("predictions",)),
        (["yes", "no"], ("predictions",)),
        ([{"label": "yes", "p": 0.9}], ("label", "p")),
        ({"label": ["yes"], "p": [[0.9, 0.1]]}, ("label", "p")),
    ],
)
def test_predictions_are_scalars_lists_or_objects(predictions: Any, names: tuple[str]) -> None:
    assert v1.decode_response(orjson.dumps({"predictions": predictions})).names == names


def test_keras_predictions_of_one_unit_are_a_plain_column() -> None:
    columns = v1.decode_response(b'{"predictions": [[0.1], [0.9]]}')

    assert columns["predictions"].values.tolist() == [0.1, 0.9]


def test_tensorflow_serving_answers_columns_under_outputs() -> None:
    assert v1.decode_response(b'{"outputs": {"p": [0.5]}}')["p"].values.tolist() == [0.5]


def test_a_request_of_columns_is_objects_and_one_of_a_matrix_lists() -> None:
    columns = Columns.of(age=[39, None], sex=["m", "f"])

    assert orjson.loads(v1.encode_request(columns)) == {
        "instances": [{"age": 39, "sex": "m"}, {"age": None, "sex": "f"}]
    }
    assert orjson.loads(v1.encode_request(columns, "matrix")) == {
        "instances": [[39, "m"], [None, "f"]]
    }


def test_a_matrix_keeps_integers_integers() -> None:
    body = v1.encode_request(Columns.of(age=[39], gain=[0.5]), "matrix")

    assert body == b'{"instances":[[39,0.5]]}'


def test_a_lone_tensor_column_is_the_rows_of_a_matrix() -> None:
    columns = Columns((column_of("image", np.eye(2)[None]),))

    assert orjson.loads(v1.encode_request(columns, "matrix")) == {
        "instances": [[[1.0, 0.0], [0.0, 1.0]]]
    }


def test_one_prediction_column_is_written_plain_and_several_as_objects() -> None:
    assert v1.encode_response(Columns.of(p=[0.5])) == b'{"predictions":[0.5]}'
    assert v1.encode_response(Columns.of(p=[0.5], label=["a"])) == (
        b'{"predictions":[{"p":0.5,"label":"a"}]}'
    )


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (Columns(()), "no columns"),
        (Columns.of(b64=["text"]), "'b64'"),
        (Columns.of(x=[np.inf]), "'x' holds an infinity"),
        (Columns.of(t=np.array(["30000-01-01"], "datetime64[us]")), "'t': a time"),
    ],
)
def test_what_v1_cannot_carry_is_refused_by_name(columns: Columns, told: str) -> None:
    with pytest.raises(DataMismatch, match=told):
        v1.encode_request(columns)
