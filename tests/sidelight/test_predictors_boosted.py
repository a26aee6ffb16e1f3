from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sidelight.config.settings import PredictorSettings
from sidelight.errors import ArtifactError, PredictorError
from sidelight.predictors import Predictor, open_predictor, spending
from sidelight.tensors import Column, Columns

xgboost = pytest.importorskip("xgboost")
lightgbm = pytest.importorskip("lightgbm")

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(300, 3))
YES = (TABLE[:, 0] + TABLE[:, 1] ** 2 > 0.5).astype(int)
THREE = np.digitize(TABLE[:, 0], [-0.5, 0.5])
ROWS = Columns(tuple(Column(name, TABLE[:9, at]) for at, name in enumerate("abc")))


def opened(path: Path, features: tuple[str, ...] = ("a", "b", "c"), **settings: Any) -> Predictor:
    return open_predictor("m", PredictorSettings(model=path, **settings), features)


@pytest.mark.parametrize("form", ["json", "ubj"])
@pytest.mark.parametrize("target", [YES, THREE])
def test_an_xgboost_classifier_answers_with_probabilities_and_labels(
    tmp_path: Path, form: str, target: Any
) -> None:
    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(TABLE, target)
    path = tmp_path / f"m.{form}"
    model.save_model(path)
    with spending() as spent:
        answer = opened(path)(ROWS)
    np.testing.assert_array_equal(answer["probability"].values, model.predict_proba(TABLE[:9]))
    np.testing.assert_array_equal(answer["label"].values, model.predict(TABLE[:9]))
    assert (spent.calls, spent.rows) == (1, 9)


def test_an_xgboost_model_of_classes_alone_has_probabilities_all_the_same(tmp_path: Path) -> None:
    told = {"objective": "multi:softmax", "num_class": 3, "nthread": 1}
    data = xgboost.DMatrix(TABLE, THREE)
    model = xgboost.train(told, data, 5)
    model.save_model(tmp_path / "m.json")
    answer = opened(tmp_path / "m.json")(ROWS)
    np.testing.assert_allclose(answer["probability"].values.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(answer["label"].values, model.predict(data)[:9])


def test_an_xgboost_regressor_answers_with_its_prediction_and_its_best_trees(
    tmp_path: Path,
) -> None:
    model = xgboost.XGBRegressor(n_estimators=200, early_stopping_rounds=3, n_jobs=1)
    model.fit(TABLE[:200], TABLE[:200, 0] ** 3, eval_set=[(TABLE[200:], YES[200:])], verbose=False)
    model.save_model(tmp_path / "m.ubj")
    answer = opened(tmp_path / "m.ubj")(ROWS)
    np.testing.assert_array_equal(answer["prediction"].values, model.predict(TABLE[:9]))


@pytest.mark.parametrize("target", [YES, THREE])
def test_a_lightgbm_classifier_answers_with_probabilities_and_labels(
    tmp_path: Path, target: Any
) -> None:
    model = lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)
    model.fit(pd.DataFrame(TABLE, columns=list("abc")), target)
    model.booster_.save_model(tmp_path / "m.txt")
    answer = opened(tmp_path / "m.txt")(ROWS)
    frame = pd.DataFrame(TABLE[:9], columns=list("abc"))
    np.testing.assert_allclose(answer["probability"].values, model.predict_proba(frame), rtol=1e-12)
    np.testing.assert_array_equal(answer["label"].values, model.predict(frame))


def test_a_lightgbm_regressor_knows_the_categories_it_was_trained_with(tmp_path: Path) -> None:
    words = np.array(["red", "green", "blue"], object)[THREE]
    frame = pd.DataFrame({"a": TABLE[:, 1], "b": pd.Categorical(words), "c": TABLE[:, 2]})
    model = lightgbm.LGBMRegressor(n_estimators=9, n_jobs=1, verbose=-1, min_child_samples=2)
    model.fit(frame, TABLE[:, 0])
    model.booster_.save_model(tmp_path / "m.txt")
    rows = Columns((Column("a", TABLE[:9, 1]), Column("b", words[:9]), Column("c", TABLE[:9, 2])))
    answer = opened(tmp_path / "m.txt")(rows)
    np.testing.assert_allclose(answer["prediction"].values, model.predict(frame[:9]), rtol=1e-12)


def test_columns_go_by_the_names_that_the_model_knows(tmp_path: Path) -> None:
    data = xgboost.DMatrix(TABLE, YES, feature_names=list("abc"))
    model = xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 5)
    model.save_model(tmp_path / "m.json")
    turned = Columns(ROWS.columns[::-1])
    one, other = opened(tmp_path / "m.json"), opened(tmp_path / "m.json", ("c", "b", "a"))
    np.testing.assert_array_equal(
        one(ROWS)["probability"].values, other(turned)["probability"].values
    )


def test_nulls_are_missing_numbers_to_trees(tmp_path: Path) -> None:
    gaps = np.where(RNG.random(TABLE.shape) < 0.3, np.nan, TABLE)
    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(gaps, YES)
    model.save_model(tmp_path / "m.json")
    valid = ~np.isnan(gaps[:9])
    filled = np.where(valid, gaps[:9], 0)
    rows = Columns(
        tuple(Column(name, filled[:, at], valid[:, at]) for at, name in enumerate("abc"))
    )
    answer = opened(tmp_path / "m.json")(rows)
    np.testing.assert_array_equal(answer["probability"].values, model.predict_proba(gaps[:9]))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(TABLE, YES).save_model(tmp_path / "m.json")
    light = lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)
    light.fit(pd.DataFrame(TABLE, columns=list("abc")), YES)
    light.booster_.save_model(tmp_path / "m.txt")
    return {"json": tmp_path / "m.json", "txt": tmp_path / "m.txt"}


@pytest.mark.parametrize("form", ["json", "txt"])
def test_threads_share_a_model(files: dict[str, Path], form: str) -> None:
    predictor = opened(files[form])
    truth = predictor(ROWS)["probability"].values
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(predictor, [ROWS] * 40):
            np.testing.assert_array_equal(answer["probability"].values, truth)


@pytest.mark.parametrize("form", ["json", "txt"])
def test_text_where_a_number_belongs_is_refused_by_name(files: dict[str, Path], form: str) -> None:
    words = Column("b", np.array(["x"] * 9, object))
    rows = Columns((ROWS.columns[0], words, ROWS.columns[2]))
    with pytest.raises(PredictorError, match="feature 'b' holds strings") as caught:
        opened(files[form])(rows)
    assert caught.value.status == 400


@pytest.mark.parametrize("form", ["json", "txt"])
def test_another_number_of_features_is_refused_when_opened(
    files: dict[str, Path], form: str
) -> None:
    with pytest.raises(ArtifactError, match="takes 3 features, 2 are set"):
        opened(files[form], ("a", "b"))


@pytest.mark.parametrize("form", ["json", "ubj", "txt"])
@pytest.mark.parametrize("content", [b"", b"hello", b"{}", b"\xff\xfe", b"{L"])
def test_what_is_no_model_is_refused(tmp_path: Path, form: str, content: bytes) -> None:
    path = tmp_path / f"m.{form}"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="is not a readable"):
        opened(path)
