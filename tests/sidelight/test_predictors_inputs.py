from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from pydantic import ValidationError
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sidelight.config.predicting import PredictorSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.predictors import open_predictor
from sidelight.predictors.inputs import Inputs
from sidelight.tensors import Column, Columns, column_of
from tests.sidelight import grpc_servers
from tests.sidelight.grpc_servers import asked_of
from tests.sidelight.predictor_servers import respond, serving

FEATURES = ("age", "job", "hours", "city")
ROWS = Columns(
    (
        column_of("age", [39.0, 50.0]),
        column_of("job", ["clerk", None]),
        Column("hours", np.array([40, 13])),
        column_of("city", ["Bonn", "Lyon"]),
    )
)
GROUPS: dict[str, tuple[str, ...]] = {"numeric": ("age", "hours"), "words": ("job", "city")}


def fixed(connection: Any, _body: bytes) -> None:
    respond(connection, 200, b'{"predictions": [0.5, 0.6]}')


def test_features_of_a_group_stand_side_by_side_in_one_input() -> None:
    inputs = Inputs(FEATURES, GROUPS).of(ROWS)
    assert inputs.names == ("numeric", "words")
    assert inputs["numeric"].values.tolist() == [[39, 40], [50, 13]]
    assert inputs["words"].values.tolist() == [["clerk", "Bonn"], ["", "Lyon"]]
    valid = inputs["words"].valid
    assert valid is not None
    assert valid.tolist() == [[True, True], [False, True]]


def test_an_empty_group_takes_what_no_other_names() -> None:
    inputs = Inputs(FEATURES, {"words": ("job", "city"), "rest": ()}).of(ROWS)
    assert inputs.names == ("rest", "words")
    assert inputs["rest"].values.tolist() == [[39, 40], [50, 13]]


def test_a_feature_of_no_group_is_an_input_of_its_own() -> None:
    inputs = Inputs(FEATURES, {"numeric": ("hours", "age")}).of(ROWS)
    assert inputs.names == ("job", "numeric", "city")
    assert inputs["numeric"].values.tolist() == [[40, 39], [13, 50]]


@pytest.mark.parametrize(("numbers", "dtype"), [("FP32", np.float32), ("INT64", np.int64)])
def test_numbers_are_sent_in_the_type_that_is_set(numbers: str, dtype: Any) -> None:
    inputs = Inputs(FEATURES, {"numeric": ("age", "hours")}, numbers).of(ROWS)
    assert inputs["numeric"].values.dtype == dtype
    assert inputs["job"].kind == "string"


@pytest.mark.parametrize(
    ("numbers", "value"),
    [
        ("INT32", 0.5),
        ("INT32", 2**40),
        ("FP32", 1e300),
        ("FP16", 1e5),
        ("INT64", float("nan")),
        ("FP32", 2**24 + 1),
    ],
)
def test_a_number_that_the_type_cannot_hold_is_refused_by_name(numbers: str, value: Any) -> None:
    with pytest.raises(DataMismatch, match=f"'age' has values that {numbers}"):
        Inputs(("age",), {}, numbers).of(Columns.of(age=[value]))


def test_a_fraction_may_be_rounded_and_a_missing_one_stays_missing() -> None:
    values = Inputs(("age",), {}, "FP32").of(Columns.of(age=[0.1, float("nan"), float("inf")]))
    np.testing.assert_array_equal(values["age"].values, np.array([0.1, np.nan, np.inf], np.float32))


def test_words_and_numbers_share_no_input() -> None:
    with pytest.raises(DataMismatch, match="one kind of value, got 'age': number, 'job': string"):
        Inputs(FEATURES, {"mixed": ("age", "job")}).of(ROWS)


def test_v1_sends_each_group_as_a_list_of_the_row() -> None:
    with serving(fixed) as server:
        settings = PredictorSettings(url=server.url, protocol="v1", inputs=GROUPS)
        predictor = open_predictor("m", settings, FEATURES)
        predictor(ROWS)
        predictor.close()
    assert orjson.loads(server.requests[0])["instances"][0] == {
        "numeric": [39, 40],
        "words": ["clerk", "Bonn"],
    }


def test_v2_sends_each_group_as_a_tensor_of_its_type() -> None:
    def answer(connection: Any, _body: bytes) -> None:
        output = {"name": "y", "datatype": "FP64", "shape": [2], "data": [1, 2]}
        respond(connection, 200, orjson.dumps({"model_name": "m", "outputs": [output]}))

    with serving(answer) as server:
        settings = PredictorSettings(url=server.url, inputs=GROUPS, numbers="FP32")
        predictor = open_predictor("m", settings, FEATURES)
        predictor(ROWS)
        predictor.close()
    asked = orjson.loads(server.requests[0])["inputs"]
    assert [(one["name"], one["shape"], one["datatype"]) for one in asked] == [
        ("numeric", [2, 2], "FP32"),
        ("words", [2, 2], "BYTES"),
    ]


def test_grpc_sends_each_group_as_a_tensor_of_its_type() -> None:
    rows = Columns.of(a=[1.0, 2.0], b=[3.0, 4.0])
    with grpc_servers.serving(grpc_servers.doubled) as server:
        settings = PredictorSettings(url=server.url, inputs={"x": ()}, numbers="FP32")
        predictor = open_predictor("m", settings, ("a", "b"))
        answer = predictor(rows)
        predictor.close()
    assert answer["y"].values.tolist() == [[2, 6], [4, 8]]
    assert asked_of(server)["x"].values.dtype == np.float32


def test_an_onnx_model_of_two_matrices_is_asked_by_groups(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(60, 2))
    words = rng.choice(["red", "blue"], size=(60, 2)).astype(object)
    together = np.column_stack([numbers, words]).astype(object)
    model = make_pipeline(
        ColumnTransformer(
            [("numeric", StandardScaler(), [0, 1]), ("words", OneHotEncoder(), [2, 3])]
        ),
        LogisticRegression(),
    ).fit(together, numbers[:, 0] > 0)
    types = [("numeric", FloatTensorType([None, 2])), ("words", StringTensorType([None, 2]))]
    path = tmp_path / "m.onnx"
    path.write_bytes(to_onnx(model, initial_types=types, target_opset=17).SerializeToString())
    rows = Columns(
        (
            *(Column(name, numbers[:5, at]) for at, name in enumerate("ab")),
            *(Column(name, words[:5, at]) for at, name in enumerate("cd")),
        )
    )
    settings = PredictorSettings(model=path, inputs={"words": ("c", "d"), "numeric": ()})
    answer = open_predictor("m", settings, "abcd")(rows)
    truth = model.predict_proba(together[:5])
    np.testing.assert_allclose(answer.columns[0].values, truth, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"form": "matrix", "inputs": GROUPS}, "leave 'form' out"),
        ({"inputs": {"a": (), "b": ()}}, "only one can take all"),
        ({"inputs": {"a": ("x",), "b": ("x",)}}, "the feature 'x' twice"),
    ],
)
def test_what_no_inputs_can_be_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        PredictorSettings(url="http://h", **settings)


def test_a_group_of_no_feature_is_refused_when_opened() -> None:
    settings = PredictorSettings(url="http://h", inputs={"a": ("agee",)})
    with pytest.raises(ConfigError, match=r"models\.m\.predictor\.inputs\.a: no feature 'agee'"):
        open_predictor("m", settings, FEATURES)
