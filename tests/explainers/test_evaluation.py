from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sidelight.config.settings import ModelSettings
from sidelight.errors import DataMismatch
from sidelight.predictors.caching import RowCache
from sidelight.predictors.coalescing import Coalescing
from sidelight.predictors.sharing import SharedPredictor
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import Asking
from sidelight_explainers.contents.attributions import Attribution, Attributions
from sidelight_explainers.evaluation.amounts import amounts
from sidelight_explainers.evaluation.evaluating import Evaluation, evaluate
from sidelight_explainers.evaluation.infidelity import infidelity
from sidelight_explainers.evaluation.neighbours import RADIUS, neighbours
from sidelight_explainers.evaluation.removing import removal
from sidelight_explainers.evaluation.stability import max_sensitivity, stability
from sidelight_explainers.evaluation.worth import Worth
from sidelight_explainers.games.tabular import TabularGame
from sidelight_explainers.models import explained
from sidelight_explainers.subject import Subject
from sidelight_explainers.wishes import wish
from tests.explainers.games import numeric, predictor
from tests.explainers.pictured import anchor, explanation
from tests.explainers.serving import Floats

Answer = Callable[[Columns], Columns]

RNG = np.random.default_rng
BACKGROUND = RNG(1).normal(size=(12, 5))
ROW = RNG(2).normal(size=5)
WEIGHTS = np.array([2.0, -1.0, 0.5, 3.0, -4.0])
SHARES = WEIGHTS * (ROW - BACKGROUND.mean(axis=0))


def worth(function: Callable[[Floats], Floats]) -> Worth:
    game = TabularGame.of(numeric(ROW[None]), numeric(BACKGROUND))
    asked = SharedPredictor(Coalescing(predictor(function)), RowCache())
    return Worth(game, Asking(asked, 1 << 20, 60.0), "y")


def area(curve: Floats) -> float:
    return float((curve[1:] + curve[:-1]).sum() / 2 / (len(curve) - 1))


def linear(table: Floats) -> Floats:
    return np.asarray(table @ WEIGHTS)


def test_coalitions_are_worth_their_mean_over_the_background() -> None:
    masks = np.array([[True, False, True, False, False], [False] * 5, [True] * 5])
    base = BACKGROUND @ WEIGHTS
    expected = [base.mean() + SHARES[[0, 2]].sum(), base.mean(), ROW @ WEIGHTS]
    np.testing.assert_allclose(worth(linear)(masks), expected)


def test_areas_of_a_linear_model_are_those_of_its_sorted_shares() -> None:
    base = float((BACKGROUND @ WEIGHTS).mean())
    inserted = base + np.concatenate([[0], np.cumsum(np.sort(SHARES)[::-1])])
    deleted = base + SHARES.sum() - np.concatenate([[0], np.cumsum(np.sort(SHARES)[::-1])])
    found = removal(worth(linear), SHARES, RNG(0))
    assert found.insertion == pytest.approx(area(inserted))
    assert found.deletion == pytest.approx(area(deleted))
    assert found.deletion < found.random < found.insertion


def test_shares_of_a_linear_model_foretell_every_loss() -> None:
    found = infidelity(worth(linear), SHARES, RNG(0))
    assert found.error == pytest.approx(0, abs=1e-20)
    assert found.share == pytest.approx(0, abs=1e-20)


def test_equal_amounts_are_the_measure_of_what_is_not_foretold() -> None:
    equal = np.full(5, SHARES.sum() / 5)
    found = infidelity(worth(linear), equal, RNG(0))
    assert found.share == pytest.approx(1)
    gone = RNG(0).random((48, 5)) >= 0.5
    assert found.error == pytest.approx(np.mean((gone @ (equal - SHARES)) ** 2))


def test_players_that_are_all_alike_leave_nothing_to_foretell() -> None:
    game = worth(lambda table: table.sum(axis=1) * 0 + 1.0)
    assert infidelity(game, np.zeros(5), RNG(0)).share is None


def test_where_nothing_is_ever_lost_there_is_no_share() -> None:
    found = infidelity(worth(lambda table: np.ones(len(table))), np.zeros(5), RNG(0))
    assert found.error == 0
    assert found.share is None


def test_infidelity_is_the_mean_square_of_what_was_not_foretold() -> None:
    wrong = SHARES + np.array([1.0, 0, 0, 0, 0])
    found = infidelity(worth(linear), wrong, RNG(0))
    gone = RNG(0).random((48, 5)) >= 0.5
    assert found.error == pytest.approx(gone[:, 0].mean())


def test_stability_is_the_spread_over_the_length_of_the_mean() -> None:
    found = stability([np.array([3.0, 4.0]), np.array([5.0, 4.0])])
    assert found.spread == pytest.approx(1 / np.hypot(4, 4))
    assert found.top == 1
    assert stability([np.zeros(2), np.zeros(2)]).spread is None


def test_other_leaders_lower_the_overlap() -> None:
    found = stability([np.array([4.0, 3, 2, 0, 0]), np.array([4.0, 3, 0, 2, 0])])
    assert found.top == pytest.approx(2 / 4)


def test_the_largest_change_close_by_is_told_as_a_share() -> None:
    told = np.array([3.0, 4.0])
    assert max_sensitivity(told, [np.array([3.0, 4.5]), np.array([2.0, 4.0])]) == pytest.approx(0.2)
    assert max_sensitivity(told, []) is None
    assert max_sensitivity(np.zeros(2), [told]) is None


def test_rows_close_by_move_numbers_a_little_and_nothing_else() -> None:
    reference = Columns.of(
        age=RNG(0).normal(40, 10, 100), sex=["f", "m"] * 50, children=[1, 2] * 50
    )
    row = Columns.of(age=[30.0], sex=["f"], children=[2])
    found = list(neighbours(row, reference, 20, RNG(0)))
    ages = np.array([one["age"].values[0] for one in found])
    assert len(found) == 20
    assert np.abs(ages - 30).max() <= RADIUS * reference["age"].values.std()
    assert len(set(ages)) == 20
    assert all(one["sex"].values[0] == "f" and one["children"].values[0] == 2 for one in found)


def test_a_row_without_numbers_has_no_neighbours() -> None:
    reference = Columns.of(sex=["f", "m"], constant=[1.0, 1.0])
    row = Columns.of(sex=["f"], constant=[1.0])
    assert list(neighbours(row, reference, 5, RNG(0))) == []


def test_a_null_stays_a_null_close_by() -> None:
    reference = Columns.of(age=[1.0, 2.0], size=[1.0, 5.0])
    age = Column("age", np.array([np.nan]), np.array([False]))
    row = Columns((age, Column("size", np.array([2.0]))))
    for one in neighbours(row, reference, 3, RNG(0)):
        assert one["age"].valid is not None
        assert not one["age"].valid[0]
        assert one["size"].values[0] != 2


def test_amounts_are_put_in_the_games_order_and_other_players_are_refused() -> None:
    row, background = np.array([[1.0, 5.0, 2.0]]), np.array([[0.0, 5.0, 0.0]])
    game = TabularGame.of(numeric(row), numeric(background))
    content = _content({"f0": 3.0, "f1": 0.0, "f2": -1.0})
    np.testing.assert_array_equal(amounts(content, game), [3.0, -1.0])
    with pytest.raises(DataMismatch, match="about other players"):
        amounts(_content({"group": 2.0}), game)


def _content(told: dict[str, float]) -> Attributions:
    shares = tuple(Attribution(name, None, value) for name, value in told.items())
    return Attributions("y", 0.0, 0.0, shares, "exact")


def _model(features: dict[str, str], answer: Answer, reference: Columns | None, **told: Any) -> Any:
    settings = ModelSettings.model_validate(
        {"features": features, "explainers": {"shapley": {"budget": 512, **told}}}
    )
    subject = Subject("m", settings, tuple(features), reference, reference)
    return explained(subject, FunctionPredictor(answer))


def _evaluated(model: Any, row: Columns) -> Evaluation:
    asked = wish(model, {}, "")
    return evaluate(model, asked, row, model.explain(asked.method, asked.options, row))


def test_words_of_a_text_are_evaluated_without_rows_close_by() -> None:
    def answer(rows: Columns) -> Columns:
        told = [2.0 * ("good" in one) - ("bad" in one) for one in rows["text"].values]
        return Columns((Column("y", np.array(told)),))

    row = Columns.of(text=["good and bad and long"])
    found = _evaluated(_model({"text": "text"}, answer, None), row)
    assert found.max_sensitivity is None
    assert found.infidelity.share == pytest.approx(0, abs=1e-12)
    assert found.removal.deletion < found.removal.random < found.removal.insertion
    assert found.rows > 0


def test_groups_of_features_are_evaluated_as_players() -> None:
    def answer(rows: Columns) -> Columns:
        return Columns((Column("y", rows["f0"].values * 2 + rows["f1"].values),))

    reference = numeric(BACKGROUND)
    model = _model(
        dict.fromkeys(reference.names, "numeric"), answer, reference, groups={"g": ["f0", "f1"]}
    )
    found = _evaluated(model, numeric(ROW[None]))
    assert found.infidelity.share == pytest.approx(0, abs=1e-9)
    assert found.max_sensitivity is not None


def test_a_rule_has_no_amounts_to_evaluate() -> None:
    reference = numeric(BACKGROUND)
    model = _model(
        dict.fromkeys(reference.names, "numeric"),
        lambda rows: Columns((Column("y", rows["f0"].values),)),
        reference,
    )
    row = numeric(ROW[None])
    with pytest.raises(DataMismatch, match="method gives anchor"):
        evaluate(model, wish(model, {}, ""), row, explanation(anchor()))
