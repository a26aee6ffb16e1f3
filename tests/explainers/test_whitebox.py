"""Models whose file is at hand: exact, and only where the file tells the truth."""

from __future__ import annotations

import importlib
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.settings import ModelSettings, PredictorSettings
from sidelight.predictors.caching import RowCache
from sidelight.predictors.coalescing import Coalescing
from sidelight.predictors.contract import Predictor
from sidelight.predictors.sharing import SharedPredictor
from sidelight.predictors.sklearn_model import SklearnPredictor
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import Asking
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.models import explained
from sidelight_explainers.reference.background import Background
from sidelight_explainers.subject import Subject
from sidelight_explainers.whitebox.boxing import read_box
from sidelight_explainers.whitebox.contract import Unread
from sidelight_explainers.whitebox.opening import open_white_box
from tests.explainers.games import enumerated, numeric
from tests.explainers.serving import Floats, matrix

WINE: tuple[Floats, Any] = load_wine(return_X_y=True)
DIABETES: tuple[Floats, Any] = load_diabetes(return_X_y=True)
FEATURES = 4
ROWS = 12


def read(model: Any, reference: Columns, asked: Any = None) -> Any:
    """``explain(row, output=None)`` of the white box of a fitted model."""
    local = SklearnPredictor("m", model, reference.names)
    box = read_box(local, Background(reference, len(reference)))

    def explain(row: Columns, output: str | None = None) -> Attributions | Unread:
        if isinstance(box, Unread):
            return box
        return box(row, output, asking(asked or local))

    return explain


@pytest.fixture(scope="module")
def shap() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("shap")


def asking(predictor: Predictor) -> Asking:
    return Asking(SharedPredictor(Coalescing(predictor), RowCache()), 100, 60)


def shares(found: Attributions | Unread) -> Floats:
    assert isinstance(found, Attributions), found
    return np.array([one.contribution for one in found.attributions])


@pytest.mark.parametrize(
    "model",
    [
        LinearRegression(),
        make_pipeline(StandardScaler(), Ridge()),
        DecisionTreeRegressor(random_state=0),
        RandomForestRegressor(20, random_state=0),
        GradientBoostingRegressor(n_estimators=30, random_state=0),
        make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=30)),
    ],
    ids=lambda model: str(model)[:30],
)
def test_a_regression_is_read_exactly(model: Any) -> None:
    table, target = DIABETES[0][:, :FEATURES], DIABETES[1]
    model.fit(table, target)
    explain = read(model, numeric(table[:ROWS]))
    for row in table[100:102]:
        found = explain(numeric(row[None]))
        np.testing.assert_allclose(
            shares(found), enumerated(model.predict, row, table[:ROWS]), atol=1e-9 * 150
        )
        assert abs(found.additivity_gap) < 1e-9


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(20, random_state=0),
        ExtraTreesClassifier(20, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(C=10)),
    ],
    ids=lambda model: str(model)[:30],
)
@pytest.mark.parametrize("number", [0, 1])
def test_a_probability_is_read_exactly(model: Any, number: int) -> None:
    table, target = WINE[0][:, :FEATURES], WINE[1] > 0
    model.fit(table, target)
    explain = read(model, numeric(table[:ROWS]))

    def probability(rows: Floats) -> Floats:
        return np.asarray(model.predict_proba(rows)[:, number])

    for row in table[[60, 100]]:
        found = explain(numeric(row[None]), f"probability[{number}]")
        np.testing.assert_allclose(
            shares(found), enumerated(probability, row, table[:ROWS]), atol=1e-8
        )


def test_a_class_of_several_is_read_by_its_number() -> None:
    table, target = WINE[0][:, :FEATURES], WINE[1]
    model = RandomForestClassifier(10, random_state=0).fit(table, target)
    found = read(model, numeric(table[:ROWS]))(numeric(table[100:101]))
    assert found.output == "probability[1]"
    exact = enumerated(lambda rows: model.predict_proba(rows)[:, 1], table[100], table[:ROWS])
    np.testing.assert_allclose(shares(found), exact, atol=1e-9)


def test_histogram_boosting_is_right_where_shaps_own_sums_are_not(shap: Any) -> None:
    table, target = DIABETES
    model = HistGradientBoostingRegressor(max_iter=50).fit(table, target)
    found = read(model, numeric(table[:50]))(numeric(table[100:101]))
    theirs = shap.TreeExplainer(model, table[:50])
    gap = theirs.expected_value + theirs.shap_values(table[100:101], check_additivity=False).sum()
    assert abs(found.additivity_gap) < 1e-9
    assert abs(gap - model.predict(table[100:101])[0]) > 1e-6


def test_trees_agree_with_shap_where_thresholds_fit_32_bits(shap: Any) -> None:
    table = np.random.default_rng(0).integers(0, 40, size=(300, 6)).astype(float)
    model = RandomForestRegressor(20, random_state=0).fit(table, table[:, 0] * table[:, 1])
    found = read(model, numeric(table[:40]))(numeric(table[100:101]))
    theirs = shap.TreeExplainer(model, table[:40]).shap_values(table[100:101])
    np.testing.assert_allclose(shares(found), theirs[0], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("last", [RandomForestClassifier(10, random_state=0), LogisticRegression()])
def test_a_category_is_one_player_whatever_its_encoding(last: Any) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "age": rng.normal(40, 10, 200),
            "job": rng.choice(["baker", "nurse", "smith"], 200),
            "hours": rng.normal(40, 5, 200),
        }
    )
    target = (rows.age > 40) & (rows.job != "nurse") | (rows.hours > 44)
    encode = ColumnTransformer(
        [("job", OneHotEncoder(handle_unknown="ignore"), ["job"])], remainder=StandardScaler()
    )
    model = make_pipeline(encode, last).fit(rows, target)
    columns = Columns.of(**{name: rows[name].tolist() for name in ("hours", "job", "age")})
    found = read(model, columns.take(slice(10)))(columns.take([50]))
    assert [one.feature for one in found.attributions] == ["hours", "job", "age"]
    background, row = rows[:10], rows.iloc[50]
    exact = _enumerated_frame(model, row, background, ["hours", "job", "age"])
    np.testing.assert_allclose(shares(found), exact, atol=1e-8)


def _enumerated_frame(model: Any, row: Any, background: Any, names: list[str]) -> Floats:
    def of_sources(taken: Floats) -> Floats:
        blended = background.copy()
        for at, name in enumerate(names):
            if (taken[:, at] == 1).all():
                blended[name] = row[name]
        return np.asarray(model.predict_proba(blended)[:, 1])

    return enumerated(of_sources, np.ones(len(names)), np.zeros((len(background), len(names))))


def test_a_missing_value_takes_the_branch_that_the_model_takes() -> None:
    table, target = DIABETES[0][:, :4].copy(), DIABETES[1]
    table[::3, 2] = np.nan
    model = HistGradientBoostingRegressor(max_iter=20).fit(table, target)
    found = read(model, numeric(table[:ROWS]))(numeric(table[102:103]))
    assert np.isnan(table[102, 2])
    np.testing.assert_allclose(
        shares(found), enumerated(model.predict, table[102], table[:ROWS]), atol=1e-7
    )


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (GradientBoostingClassifier(n_estimators=5), "log odds"),
        (MLPClassifier(max_iter=5), "neither"),
        (make_pipeline(Normalizer(), LogisticRegression()), "mix"),
    ],
    ids=["boosting", "network", "mixing"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_cannot_be_read_exactly_is_not_read(model: Any, reason: str) -> None:
    model.fit(WINE[0], WINE[1] > 0)
    found = read(model, numeric(WINE[0][:ROWS]))(numeric(WINE[0][:1]))
    assert isinstance(found, Unread)
    assert reason in found.reason


def test_the_file_of_another_version_is_not_believed() -> None:
    table, target = DIABETES
    old = RandomForestRegressor(10, random_state=0).fit(table, target)
    new = SklearnPredictor("m", RandomForestRegressor(10, random_state=1).fit(table, target))
    found = read(old, numeric(table[:ROWS]), new)(numeric(table[100:101]))
    assert isinstance(found, Unread)
    assert "another version" in found.reason


def test_a_label_that_happens_to_equal_the_probability_is_not_taken_for_it() -> None:
    table, target = WINE[0], (WINE[1] > 0).astype(float)
    model = RandomForestClassifier(10, random_state=0).fit(table, target)
    sure = int(np.flatnonzero(model.predict_proba(table)[:, 1] == 1.0)[0])

    def labels(rows: Columns) -> Columns:
        told = model.predict(np.column_stack([column.values for column in rows]))
        return Columns((Column("predict", told),))

    explain = read(model, numeric(table[:100:3]), FunctionPredictor(labels))
    assert isinstance(explain(numeric(table[sure : sure + 1])), Unread)


def test_answers_are_the_same_alone_and_among_others() -> None:
    table, target = WINE
    model = RandomForestClassifier(30, random_state=0).fit(table, target > 0)
    explain = read(model, numeric(table[:50]))
    alone = [shares(explain(numeric(row[None]))) for row in table[:24]]
    with ThreadPoolExecutor(8) as pool:
        among = list(pool.map(lambda row: shares(explain(numeric(row[None]))), table[:24]))
    np.testing.assert_array_equal(alone, among)


def test_a_skops_file_in_the_configuration_is_read(tmp_path: Path) -> None:
    table, target = DIABETES
    model = RandomForestRegressor(5, random_state=0).fit(table, target)
    skops.io.dump(model, tmp_path / "model.skops")
    predictor = PredictorSettings(
        model=tmp_path / "model.skops", trusted=("sklearn.tree._tree.Tree",)
    )
    settings = ModelSettings(
        predictor=predictor, explainers=ModelExplainers.model_validate({"shapley": {}})
    )
    reference = numeric(table[:ROWS])
    subject = Subject("m", settings, reference.names, reference, reference)
    box = open_white_box(subject, Background(reference, ROWS))
    assert not isinstance(box, Unread)
    inquiry = asking(SklearnPredictor("m", model))
    found = box(numeric(table[100:101]), None, inquiry)
    assert shares(found).shape == (10,)
    assert inquiry.quality("accurate").calls == 1
    without = replace(subject, settings=ModelSettings())
    assert isinstance(open_white_box(without, Background(reference, ROWS)), Unread)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
@pytest.mark.filterwarnings("ignore")
def test_the_file_beside_a_server_is_read(tmp_path: Path, library: str) -> None:
    table, target = DIABETES[0][:, :FEATURES], DIABETES[1]
    grown = importlib.import_module(library)
    if library == "xgboost":
        path = tmp_path / "model.json"
        model = grown.XGBRegressor(n_estimators=20, max_depth=3, n_jobs=1).fit(table, target)
        model.save_model(path)
    else:
        path = tmp_path / "model.txt"
        model = grown.LGBMRegressor(n_estimators=20, n_jobs=1, verbose=-1).fit(table, target)
        model.booster_.save_model(path)
    predictor = PredictorSettings(url="http://127.0.0.1:1", artifact=path)
    reference = numeric(table[:ROWS])
    settings = ModelSettings(predictor=predictor)
    subject = Subject("m", settings, reference.names, reference, reference)
    box = open_white_box(subject, Background(reference, ROWS))
    assert not isinstance(box, Unread), box

    def served(rows: Columns) -> Columns:
        return Columns((Column("predict", model.predict(matrix(rows))),))

    found = box(numeric(table[100:101]), None, asking(FunctionPredictor(served)))
    exact = enumerated(model.predict, table[100], table[:ROWS])
    np.testing.assert_allclose(shares(found), exact, atol=1e-4)


def test_a_method_of_shapley_reads_the_model_by_itself(tmp_path: Path) -> None:
    table, target = DIABETES
    model = make_pipeline(StandardScaler(), Ridge()).fit(table, target)
    skops.io.dump(model, tmp_path / "model.skops")
    settings = ModelSettings(
        predictor=PredictorSettings(model=tmp_path / "model.skops"),
        explainers=ModelExplainers.model_validate({"shapley": {}}),
    )
    reference = numeric(table[:50])
    subject = Subject("m", settings, reference.names, reference, reference)
    opened = explained(subject, SklearnPredictor("m", model))
    explanation = opened.explain(
        "shapley", opened.methods["shapley"].settings, numeric(table[100:101])
    )
    assert explanation.to_json()["meta"]["type"] == ["whitebox"]
    assert explanation.quality.calls == 1
    weights = model[-1].coef_ / model[0].scale_
    closed = weights * (table[100] - table[:50].mean(axis=0))
    content = explanation.content
    assert isinstance(content, Attributions)
    np.testing.assert_allclose(shares(content), closed, atol=1e-9)


@pytest.mark.parametrize("budget", [12, 20, 24, 60])
def test_a_file_that_is_not_true_leaves_the_budget_for_asking(tmp_path: Path, budget: int) -> None:
    table, target = DIABETES
    skops.io.dump(Ridge().fit(table, target), tmp_path / "model.skops")
    settings = ModelSettings(
        predictor=PredictorSettings(model=tmp_path / "model.skops"),
        explainers=ModelExplainers.model_validate({"shapley": {"budget": budget}}),
    )
    reference = numeric(table[:50])
    subject = Subject("m", settings, reference.names, reference, reference)
    opened = explained(subject, SklearnPredictor("m", Ridge().fit(table, -target)))
    found = opened.explain("shapley", opened.methods["shapley"].settings, numeric(table[100:101]))
    assert isinstance(found.content, Attributions)
    assert abs(found.content.additivity_gap or 0) < 1e-9
    assert found.quality.rows <= budget


@pytest.mark.filterwarnings("ignore")
def test_a_null_is_not_read_where_the_file_does_not_tell_what_becomes_of_it(
    tmp_path: Path,
) -> None:
    table = np.random.default_rng(0).normal(size=(300, 4))
    grown = importlib.import_module("lightgbm")
    model = grown.LGBMRegressor(n_estimators=10, n_jobs=1, verbose=-1).fit(table, table[:, 0])
    model.booster_.save_model(tmp_path / "model.txt")
    reference = numeric(table[:ROWS])
    settings = ModelSettings(predictor=PredictorSettings(model=tmp_path / "model.txt"))
    subject = Subject("m", settings, reference.names, reference, reference)
    box = open_white_box(subject, Background(reference, ROWS))
    assert not isinstance(box, Unread)

    def served(rows: Columns) -> Columns:
        return Columns((Column("predict", model.predict(matrix(rows))),))

    row = table[100:101].copy()
    assert isinstance(box(numeric(row), None, asking(FunctionPredictor(served))), Attributions)
    row[0, 1] = np.nan
    found = box(numeric(row), None, asking(FunctionPredictor(served)))
    assert isinstance(found, Unread)
    assert "null" in found.reason
