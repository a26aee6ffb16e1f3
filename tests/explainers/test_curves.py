"""Partial dependence and accumulated local effects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import partial_dependence

from sidelight.errors import ConfigError, DataMismatch
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.curves import Curve, Curves
from sidelight_explainers.curves.accumulating import Moves, accumulate
from sidelight_explainers.curves.effects import locate
from sidelight_explainers.curves.grids import grid_of
from sidelight_explainers.curves.nearness import by_nearness
from sidelight_explainers.explanation import Explanation
from tests.explainers.games import explainer, numeric, predictor
from tests.explainers.serving import Floats

NONE = Columns(())
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(300, 3))


def curves(explanation: Explanation) -> dict[str, Curve]:
    assert isinstance(explanation.content, Curves)
    return {one.feature: one for one in explanation.content.curves}


def additive(table: Floats) -> Floats:
    return np.asarray(3 * table[:, 0] + table[:, 1] ** 2)


def test_partial_dependence_is_scikit_learns() -> None:
    table, target = load_diabetes(return_X_y=True)
    table = table[:120]
    forest = RandomForestRegressor(5, random_state=0).fit(table, target[:120])
    explain = explainer(
        predictor(forest.predict), numeric(table), "partial_dependence", points=9, budget=20000
    )
    found = curves(explain(NONE, features=["f2", "f8"]))
    for at in (2, 8):
        mine = found[f"f{at}"]
        theirs = partial_dependence(
            forest, table, [at], kind="both", method="brute",
            custom_values={at: np.array(mine.points)},
        )  # fmt: skip
        np.testing.assert_allclose(mine.effects, theirs["average"][0])
        np.testing.assert_allclose(mine.lines, theirs["individual"][0][:20])


def test_partial_dependence_of_a_sum_is_its_summand() -> None:
    explain = explainer(predictor(additive), numeric(ROWS), "partial_dependence", points=5)
    explanation = explain(NONE, budget=16384)
    found = curves(explanation)
    points = np.array(found["f0"].points)
    np.testing.assert_allclose(np.diff(found["f0"].effects), 3 * np.diff(points))
    assert len(set(np.round(found["f2"].effects, 9))) == 1
    assert explanation.quality.calls <= 2
    assert explanation.quality.stopped == "accurate"


def test_local_effects_of_a_sum_are_its_centred_summand() -> None:
    explain = explainer(predictor(additive), numeric(ROWS), "ale", intervals=10)
    found = curves(explain(NONE))
    points = np.array(found["f0"].points)
    np.testing.assert_allclose(np.diff(found["f0"].effects), 3 * np.diff(points))
    np.testing.assert_allclose(found["f2"].effects, 0, atol=1e-12)
    assert sum(found["f1"].counts) == len(ROWS)


def test_local_effects_do_not_ask_rows_far_from_any_seen() -> None:
    x = RNG.normal(size=400)
    table = np.column_stack([x, x + RNG.normal(size=400) / 100])

    def torn(rows: Floats) -> Floats:
        """Strange where the two features part."""
        return np.asarray(rows[:, 0] + 1000 * (np.abs(rows[:, 0] - rows[:, 1]) > 1))

    found = curves(explainer(predictor(torn), numeric(table), "ale", intervals=40)(NONE))["f0"]
    inner = np.diff(found.effects)[2:-2]
    np.testing.assert_allclose(inner, np.diff(np.array(found.points))[2:-2], atol=1e-9)


def test_accumulation_is_the_formula_of_the_paper() -> None:
    interval = RNG.integers(0, 4, 50)
    changes = RNG.normal(size=50)
    place = np.eye(5)[interval] / 2 + np.eye(5)[interval + 1] / 2
    moves = Moves(np.arange(50), interval, place)
    found = accumulate(changes, moves, np.random.default_rng(0))
    means = [changes[interval == k].mean() for k in range(4)]
    summed = np.concatenate([[0], np.cumsum(means)])
    counts = np.bincount(interval, minlength=4)
    centre = ((summed[1:] + summed[:-1]) / 2 * counts).sum() / 50
    np.testing.assert_allclose(found.effects, summed - centre)
    assert (found.low <= found.effects).all()
    assert (found.effects <= found.high).all()


@pytest.mark.parametrize("method", ["ale", "partial_dependence"])
def test_intervals_hold_what_all_rows_would_tell(method: str) -> None:
    rng = np.random.default_rng(1)
    everything = rng.normal(size=(20000, 2))

    def crossed(table: Floats) -> Floats:
        return np.asarray(table[:, 0] * (1 + table[:, 1]) + table[:, 1])

    held = []
    for _ in range(60):
        part = np.vstack([everything[rng.integers(0, 20000, 200)], [[-3.0, 0], [3.0, 0]]])
        explain = explainer(predictor(crossed), numeric(part), method)
        found = curves(explain(NONE, features=["f0"]))["f0"]
        middle = len(found.points) // 2
        held.append(found.low[middle] <= found.points[middle] <= found.high[middle])
    assert np.mean(held) > 0.85


def described(rows: int = 200) -> Columns:
    rng = np.random.default_rng(0)
    job = rng.choice(["cook", "nurse", "judge"], rows, p=[0.5, 0.3, 0.2])
    pay = np.select([job == "cook", job == "nurse"], [1.0, 2.0], 6.0) + rng.normal(size=rows)
    return Columns.of(pay=pay.tolist(), job=job.tolist(), age=rng.integers(20, 60, rows).tolist())


def worth(rows: Columns) -> Columns:
    bonus = np.select([rows["job"].values == "nurse", rows["job"].values == "judge"], [5.0, 7.0])
    return Columns((Column("y", bonus + rows["age"].values / 10),))


@pytest.mark.parametrize("method", ["ale", "partial_dependence"])
def test_categories_are_followed_and_keep_their_values(method: str) -> None:
    explain = explainer(FunctionPredictor(worth), described(), method)
    found = curves(explain(NONE))["job"]
    effects = dict(zip(found.points, found.effects, strict=True))
    assert set(effects) == {"cook", "nurse", "judge"}
    assert effects["nurse"] - effects["cook"] == pytest.approx(5)
    assert effects["judge"] - effects["nurse"] == pytest.approx(2)


def test_categories_that_are_alike_stand_beside_one_another() -> None:
    rows = described()
    grid = by_nearness(grid_of(rows["job"], False, 5), rows, frozenset({"pay", "age"}))
    assert grid.words() == ("cook", "nurse", "judge")


def test_integers_stay_integers_and_nulls_are_no_points() -> None:
    column = Column("age", np.array([3, 0, 1, 2]), np.array([True, False, True, True]))
    grid = grid_of(column, True, 10)
    assert grid.words() == (1, 2, 3)
    assert locate(column, grid).row.tolist() == [0, 2, 3]


def test_a_constant_feature_has_one_point_and_no_effect() -> None:
    table = np.column_stack([np.ones(20), RNG.normal(size=20)])
    found = curves(explainer(predictor(additive), numeric(table), "ale")(NONE))["f0"]
    assert found.points == (1.0,)
    assert found.effects == (0.0,)


def test_rows_of_a_request_are_explained_over_instead_of_the_reference() -> None:
    explain = explainer(predictor(additive), numeric(ROWS), "partial_dependence")
    content: Any = explain(numeric(ROWS[:7])).content
    assert content.data == "the request"
    assert content.data_rows == 7


def test_what_does_not_fit_is_named() -> None:
    explain = explainer(predictor(additive), numeric(ROWS), "ale")
    with pytest.raises(DataMismatch, match="no feature 'f9'"):
        explain(NONE, features=["f9"])
    with pytest.raises(DataMismatch, match="budget of 9 rows is too small"):
        explain(NONE, budget=9)
    with pytest.raises(DataMismatch, match="'f0': expected numbers"):
        explain(Columns.of(f0=["a"], f1=[1.0], f2=[1.0]))


def test_rows_that_the_budget_does_not_pay_for_are_told() -> None:
    explain = explainer(predictor(additive), numeric(ROWS), "ale")
    explanation = explain(NONE, budget=700)
    assert isinstance(explanation.content, Curves)
    assert explanation.content.data_rows == 100
    assert explanation.quality.stopped == "budget"
    assert explain(NONE, budget=16384).quality.stopped == "accurate"


def test_local_effects_of_categories_are_centred_over_the_rows() -> None:
    values = np.array(["a"] * 80 + ["b"] * 10 + ["c"] * 10, object)
    worth = {"a": 0.0, "b": 1.0, "c": 5.0}
    rows = Columns((Column("f0", values),))
    model = FunctionPredictor(
        lambda asked: Columns((Column("y", np.array([worth[one] for one in asked["f0"].values])),))
    )
    found = curves(explainer(model, rows, "ale")(NONE))["f0"]
    told = dict(zip(found.points, found.effects, strict=True))
    assert told == pytest.approx({"a": -0.6, "b": 0.4, "c": 4.4})


def test_intervals_of_categories_hold_the_effects_of_all_rows() -> None:
    rng = np.random.default_rng(4)
    worth, share = np.array([0.0, 1.0, 5.0]), np.array([0.5, 0.3, 0.2])
    held = []
    for _ in range(150):
        at = rng.choice(3, size=200, p=share)
        column = Column("c", np.array(["a", "b", "c"], object)[at])
        grid = grid_of(column, False, 20)
        moves, points = locate(column, grid), np.searchsorted(["a", "b", "c"], grid.points.values)
        steps = worth[points[moves.interval + 1]] - worth[points[moves.interval]]
        found = accumulate(steps * (1 + rng.normal(size=200))[moves.row], moves, rng)
        true = worth[points] - share @ worth
        held.append((found.low <= true) & (true <= found.high))
    assert 0.91 < np.mean(held) < 0.98


def test_a_null_is_no_category() -> None:
    valid = np.ones(100, bool)
    valid[50:90] = False
    column = Column("f0", np.arange(100) < 50, valid)
    grid = grid_of(column, False, 20)
    moves = locate(column, grid)
    assert sorted(moves.row.tolist()) == np.flatnonzero(valid).tolist()
    assert moves.place.sum() == 60


def test_one_row_tells_nothing_of_others() -> None:
    explain = explainer(predictor(additive), numeric(ROWS), "partial_dependence")
    found = curves(explain(numeric(ROWS[:1])))["f0"]
    assert found.low == found.high == ()
    assert len(found.effects) == 1


@pytest.mark.parametrize("method", ["ale", "partial_dependence", "importance"])
def test_features_that_the_model_does_not_have_are_refused_at_the_start(method: str) -> None:
    with pytest.raises(ConfigError, match=rf"{method}.features: no feature 'age'; there are"):
        explainer(predictor(additive), numeric(ROWS), method, features=["age"])
