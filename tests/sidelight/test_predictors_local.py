from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sidelight.config.settings import PredictorSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch, PredictorError
from sidelight.predictors import Predictor, open_predictor, spending
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns, column_of

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(200, 3))
LABELS = np.where(TABLE[:, 0] + TABLE[:, 1] ** 2 > 0.5, "yes", "no")
ROWS = Columns(tuple(Column(name, TABLE[:9, at]) for at, name in enumerate("abc")))


class Homemade(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A type that skops does not know."""

    def fit(self, x: Any, y: Any) -> Homemade:
        self.mean_ = float(np.mean(y))
        self.n_features_in_ = 3
        return self

    def predict(self, x: Any) -> Any:
        return np.full(len(x), self.mean_)


def saved(model: Any, path: Path) -> Path:
    skops.io.dump(model, path)
    return path


def opened(path: Path, features: tuple[str, ...] = ("a", "b", "c"), **settings: Any) -> Predictor:
    return open_predictor("m", PredictorSettings(model=path, **settings), features)


def test_a_classifier_answers_with_probabilities_and_labels(tmp_path: Path) -> None:
    model = RandomForestClassifier(5, random_state=0).fit(TABLE, LABELS)
    predictor = opened(saved(model, tmp_path / "m.skops"), trusted=("sklearn.tree._tree.Tree",))
    with spending() as spent:
        answer = predictor(ROWS)
    np.testing.assert_array_equal(answer["probability"].values, model.predict_proba(TABLE[:9]))
    assert answer["label"].values.tolist() == model.predict(TABLE[:9]).tolist()
    assert (spent.calls, spent.rows) == (1, 9)
    assert predictor.ready()


def test_features_are_put_in_the_models_order(tmp_path: Path) -> None:
    model = LinearRegression().fit(TABLE, TABLE @ [1.0, 10.0, 100.0])
    predictor = opened(saved(model, tmp_path / "m.skops"))
    shuffled = Columns((ROWS["c"], Column("extra", np.zeros(9)), ROWS["a"], ROWS["b"]))
    expected = TABLE[:9] @ [1.0, 10.0, 100.0]
    np.testing.assert_allclose(predictor(shuffled)["prediction"].values, expected)
    with pytest.raises(DataMismatch, match="'b' is missing"):
        predictor(Columns((ROWS["a"], ROWS["c"])))


def test_a_pipeline_with_names_gets_mixed_columns_with_their_nulls(tmp_path: Path) -> None:
    age = [20.0, None, 40.0, 50.0]
    frame = pd.DataFrame({"age": [20.0, np.nan, 40.0, 50.0], "sex": ["f", "m", "m", "f"]})
    frame["sex"] = frame["sex"].astype(object)
    encode = ColumnTransformer(
        [
            ("age", SimpleImputer(strategy="constant", fill_value=99.0), ["age"]),
            ("sex", OneHotEncoder(handle_unknown="ignore"), ["sex"]),
        ]
    )
    model = make_pipeline(encode, LinearRegression()).fit(frame, [1.0, 2.0, 3.0, 4.0])
    predictor = opened(saved(model, tmp_path / "m.skops"), ("sex", "age"))
    rows = Columns((column_of("sex", ["f", "m", "m", "f"]), column_of("age", age)))
    np.testing.assert_allclose(predictor(rows)["prediction"].values, model.predict(frame))


def test_a_type_that_is_not_trusted_is_named_with_the_setting_that_trusts_it(
    tmp_path: Path,
) -> None:
    path = saved(Homemade().fit(TABLE, TABLE[:, 0]), tmp_path / "m.skops")
    with pytest.raises(ArtifactError, match="Homemade") as caught:
        opened(path)
    assert "models.m.predictor.trusted" in str(caught.value)
    name = f"{Homemade.__module__}.Homemade"
    importlib.import_module(Homemade.__module__)
    predictor = opened(path, trusted=(name,))
    np.testing.assert_allclose(predictor(ROWS)["prediction"].values, TABLE[:, 0].mean())


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    path = saved(LinearRegression().fit(TABLE, TABLE[:, 0]), tmp_path / "m.skops")
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(opened(path, sha256=right.upper())(ROWS)) == 9
    with pytest.raises(ArtifactError, match=f"has sha256 {right}, expected {'0' * 64}"):
        opened(path, sha256="0" * 64)


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("gone.skops", None, ArtifactError, "cannot be read"),
        ("text.skops", b"hello", ArtifactError, "not a readable .skops"),
        ("text.onnx", b"hello", ArtifactError, "not a readable .onnx"),
        ("model.pkl", b"hello", ConfigError, "ends in none of .skops, .onnx"),
    ],
)
def test_what_is_no_model_says_so(
    tmp_path: Path, name: str, content: bytes | None, error: type[Exception], words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words):
        opened(tmp_path / name)


def test_a_model_of_another_width_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    path = saved(LinearRegression().fit(TABLE, TABLE[:, 0]), tmp_path / "m.skops")
    with pytest.raises(ArtifactError, match="takes 3 features, 2 are set"):
        opened(path, ("a", "b"))


def test_rows_that_a_model_cannot_take_are_a_predictor_error(tmp_path: Path) -> None:
    path = saved(LinearRegression().fit(TABLE, TABLE[:, 0]), tmp_path / "m.skops")
    with pytest.raises(PredictorError, match=r"model 'm' refused 1 rows: .*'old'"):
        opened(path)(Columns.of(a=["old"], b=[1.0], c=[2.0]))


@pytest.mark.parametrize("zipmap", [True, False])
def test_an_onnx_matrix_model_agrees_with_its_original(tmp_path: Path, zipmap: bool) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(TABLE, LABELS)
    path = tmp_path / "m.onnx"
    types = [("X", FloatTensorType([None, 3]))]
    options = {id(model): {"zipmap": zipmap}}
    onnx = to_onnx(model, initial_types=types, options=options)
    path.write_bytes(onnx.SerializeToString())
    predictor = opened(path)
    with spending() as spent:
        answer = predictor(ROWS)
    probability = answer.columns[0].values
    np.testing.assert_allclose(probability, model.predict_proba(TABLE[:9]), atol=1e-6)
    assert answer.columns[1].values.tolist() == model.predict(TABLE[:9]).tolist()
    assert spent.rows == 9


def test_an_onnx_model_with_named_inputs_gets_each_feature_in_its_type(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0], "sex": ["f", "m", "m", "f"]})
    encode = ColumnTransformer([("n", "passthrough", ["age"]), ("c", OneHotEncoder(), ["sex"])])
    model = make_pipeline(encode, LinearRegression()).fit(frame, [1.0, 2.0, 3.5, 4.0])
    types = [("age", FloatTensorType([None, 1])), ("sex", StringTensorType([None, 1]))]
    path = tmp_path / "m.onnx"
    path.write_bytes(to_onnx(model, initial_types=types).SerializeToString())
    predictor = opened(path, ("sex", "age"))
    rows = Columns.of(age=[20, 50], sex=["m", "f"])
    expected = model.predict(pd.DataFrame({"age": [20.0, 50.0], "sex": ["m", "f"]}))
    answer = predictor(rows).columns[0].values
    assert answer.shape == (2,)
    np.testing.assert_allclose(answer, expected, rtol=1e-5)
    nulls = Columns((column_of("age", [None, 1.0]), column_of("sex", ["m", None])))
    with pytest.raises(PredictorError, match="'sex' has nulls"):
        predictor(nulls)


def test_a_function_is_a_predictor_that_counts() -> None:
    predictor = FunctionPredictor(lambda rows: Columns.of(y=np.zeros(len(rows))))
    with spending() as outer:
        predictor(ROWS)
        with spending() as inner:
            predictor(ROWS)
    assert (outer.calls, outer.rows, inner.calls, inner.rows) == (2, 18, 1, 9)
    assert predictor.ready()
    predictor.close()
