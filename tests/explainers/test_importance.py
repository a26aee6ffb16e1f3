"""Permutation importance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.settings import ModelSettings
from sidelight.errors import DataMismatch
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.importances import Importances
from sidelight_explainers.importance.shuffling import Shuffles
from sidelight_explainers.models import explained
from sidelight_explainers.subject import Subject
from sidelight_explainers.wishes import wish
from tests.explainers.games import explainer, numeric, predictor
from tests.explainers.serving import Floats, matrix

NONE = Columns(())
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(500, 3))
WEIGHTS = np.array([2.0, 1.0, 0.0])


def judged(
    function: Any, features: Columns, truth: Any, outcome: dict[str, Any], **wishes: Any
) -> Importances:
    """Importances where the reference has a column `truth`."""
    table = Columns((*features, Column("truth", np.asarray(truth))))
    settings = ModelSettings.model_validate({"outcome": {"label": "truth", **outcome}})
    settings = settings.model_copy(
        update={"explainers": ModelExplainers.model_validate({"importance": {}})}
    )
    subject = Subject("m", settings, features.names, features, table)
    model = explained(subject, FunctionPredictor(function))
    asked = wish(model, wishes, "")
    content = model.explain(asked.method, asked.options, NONE).content
    assert isinstance(content, Importances)
    return content


def linear(rows: Columns) -> Columns:
    return Columns((Column("y", matrix(rows) @ WEIGHTS),))


REGRESSION = {"kind": "regression", "prediction": "y"}


def test_the_squared_loss_of_a_linear_model_is_its_closed_form() -> None:
    truth = ROWS @ WEIGHTS
    found = judged(linear, numeric(ROWS), truth, REGRESSION, repeats=20, budget=60000)
    assert found.loss == "mean squared error"
    assert found.baseline == pytest.approx(0)
    closed = 2 * WEIGHTS**2 * ROWS.var(axis=0)
    for one, expected in zip(found.importances, closed, strict=True):
        assert one.low <= expected + 1e-9
        assert one.high >= expected - 1e-9
        assert one.importance == pytest.approx(expected, rel=0.1, abs=1e-9)


def test_it_agrees_with_scikit_learn() -> None:
    truth = ROWS @ WEIGHTS + RNG.normal(size=500)
    model = LinearRegression().fit(ROWS, truth)
    found = judged(linear, numeric(ROWS), truth, REGRESSION, repeats=20, budget=60000)
    model.coef_, model.intercept_ = WEIGHTS, 0.0
    theirs = permutation_importance(
        model, ROWS, truth, scoring="neg_mean_squared_error", n_repeats=50, random_state=0
    )
    for one, mean in zip(found.importances, theirs.importances_mean, strict=True):
        assert one.importance == pytest.approx(mean, rel=0.05, abs=0.05)


def test_intervals_hold_the_expectation() -> None:
    rng = np.random.default_rng(3)
    held = []
    for _ in range(200):
        rows = rng.normal(size=(80, 3))
        found = judged(linear, numeric(rows), rows @ WEIGHTS, REGRESSION, repeats=3)
        pairs = zip(found.importances[:2], WEIGHTS[:2], strict=True)
        held.append([one.low <= 2 * weight**2 <= one.high for one, weight in pairs])
    assert 0.9 < np.mean(held) <= 1.0


def test_without_truth_it_is_how_far_the_output_moves() -> None:
    found: Any = explainer(predictor(lambda t: t @ WEIGHTS), numeric(ROWS), "importance")(NONE)
    content: Importances = found.content
    assert content.loss == "mean absolute change of the output"
    assert content.importances[0].importance == pytest.approx(4 / np.sqrt(np.pi), rel=0.1)
    assert content.importances[2].importance == 0.0
    assert found.quality.calls <= 3


def probabilities(rows: Columns) -> Columns:
    table: Floats = matrix(rows)
    yes = 1 / (1 + np.exp(-table @ WEIGHTS))
    return Columns((Column("probability", np.column_stack([1 - yes, yes])),))


def test_a_probability_is_judged_by_log_loss_and_a_label_by_what_is_wrong() -> None:
    truth = np.where(ROWS @ WEIGHTS > 0, "yes", "no").astype(object)
    outcome = {"probability": "probability", "positive": "yes"}
    found = judged(probabilities, numeric(ROWS), truth, outcome)
    assert found.loss == "log loss"
    assert found.importances[0].low > 0

    def labels(rows: Columns) -> Columns:
        return Columns((Column("label", (matrix(rows) @ WEIGHTS > 0).astype(int)),))

    found = judged(labels, numeric(ROWS), truth, outcome)
    assert found.loss == "share of wrong decisions"
    assert found.baseline == 0
    assert found.importances[0].importance > found.importances[1].importance > 0


def test_a_loss_without_truth_is_refused() -> None:
    explain = explainer(predictor(lambda t: t @ WEIGHTS), numeric(ROWS), "importance")
    with pytest.raises(DataMismatch, match="needs the truth"):
        explain(NONE, loss="squared")


def test_each_row_gives_once_and_never_to_itself() -> None:
    donors = Shuffles.draw(50, 7, RNG).donors
    assert (np.sort(donors, axis=1) == np.arange(7)).all()
    assert (donors != np.arange(7)).all()


def three(rows: Columns) -> Columns:
    """Probabilities of a (never), b and c."""
    yes = 1 / (1 + np.exp(-6 * matrix(rows)[:, 0]))
    share = np.column_stack([np.full(len(yes), 1e-3), (1 - yes) * 0.999, yes * 0.999])
    return Columns((Column("p", share),))


def test_a_class_that_no_row_looked_at_has_keeps_its_number() -> None:
    truth = np.where(ROWS[:, 0] > 0, "c", "b").astype(object)
    truth[:2] = "a"
    found = [
        judged(three, numeric(ROWS), truth, {}, output=f"p[{index}]", rows=40) for index in (1, 2)
    ]
    assert all(one.baseline < 0.3 for one in found)
    assert all(one.importances[0].low > 0 for one in found)


def test_outcome_says_which_output_is_of_which_class() -> None:
    truth = np.where(ROWS[:, 0] > 0, "c", "b").astype(object)
    with pytest.raises(DataMismatch, match=r"outcome\.probability"):
        judged(three, numeric(ROWS), truth, {}, output="p[2]")
    outcome = {"probability": {"a": "p[0]", "b": "p[1]", "c": "p[2]"}}
    assert judged(three, numeric(ROWS), truth, outcome, output="p[2]").baseline < 0.3


@pytest.mark.parametrize("named", ["yes", "no"])
def test_a_label_that_is_named_is_judged_by_whether_it_came_true(named: str) -> None:
    def words(rows: Columns) -> Columns:
        found = np.where(matrix(rows)[:, 0] > 0, "yes", "no").astype(object)
        return Columns((Column("label", found),))

    truth = np.where(ROWS[:, 0] > 0, "yes", "no").astype(object)
    found = judged(words, numeric(ROWS), truth, {"positive": "yes"}, output=f"label={named}")
    assert found.baseline == 0
    assert found.importances[0].low > 0.3


def test_rows_without_a_truth_are_not_looked_at() -> None:
    truth = ROWS @ WEIGHTS
    truth[::2] = np.nan
    found = judged(linear, numeric(ROWS), truth, REGRESSION)
    assert found.baseline == pytest.approx(0)
    assert found.data_rows == 250
    assert found.importances[0].low > 0


def test_two_rows_cannot_take_values_from_each_other() -> None:
    explain = explainer(predictor(lambda t: t @ WEIGHTS), numeric(ROWS), "importance")
    with pytest.raises(DataMismatch, match="send at least 3"):
        explain(numeric(ROWS[:2]))
    few, many = explain(numeric(ROWS[:5])), explain(NONE)
    assert few.to_json()["data"]["interval"] == "unreliable"
    assert many.to_json()["data"]["interval"] == "reliable"
