from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sidelight.config.explaining.counterfactual import CounterfactualSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns, column_of
from sidelight_explainers.contents.counterfactual import Counterfactual, Counterfactuals
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.reference.metric import Metric
from tests.explainers.games import explainer, numeric, predictor
from tests.explainers.serving import Floats, matrix

TABLE = np.random.default_rng(0).normal(size=(300, 6))
ROW = np.full((1, 6), -0.5)


def content(explanation: Explanation) -> Counterfactuals:
    assert isinstance(explanation.content, Counterfactuals)
    return explanation.content


def found(explanation: Explanation) -> tuple[Counterfactual, ...]:
    return content(explanation).counterfactuals


def probability(table: Floats) -> Floats:
    """Yes where the first two together are large; the others do little."""
    return np.asarray(1 / (1 + np.exp(-3 * (table[:, 0] + table[:, 1] + 0.1 * table[:, 2] - 1))))


def changed(row: Floats, one: Counterfactual) -> Floats:
    """The row with the changes made."""
    after = row.copy()
    for change in one.changes:
        at = int(change.feature[1:])
        assert change.before == row[0, at]
        after[0, at] = change.after
    return after


def test_every_counterfactual_is_decided_as_it_says() -> None:
    explanation = explainer(predictor(probability), numeric(TABLE), "counterfactual")(numeric(ROW))
    told = content(explanation)
    assert (told.decision, told.wanted) == ("<= 0.5", "any other than <= 0.5")
    assert told.prediction == pytest.approx(probability(ROW)[0])
    assert told.counterfactuals
    for one in told.counterfactuals:
        assert one.decision == "> 0.5"
        assert one.score == pytest.approx(probability(changed(ROW, one))[0])
        assert probability(changed(ROW, one))[0] > 0.5
    assert explanation.quality.calls <= 8
    assert explanation.quality.stopped == "accurate"


def test_it_changes_no_more_than_it_needs() -> None:
    ask = explainer(predictor(probability), numeric(TABLE), "counterfactual")
    for row in TABLE[:20]:
        before = probability(row[None])[0] > 0.5
        for one in found(ask(numeric(row[None]))):
            names = [int(change.feature[1:]) for change in one.changes]
            assert {0, 1} & set(names)
            for size in range(len(names)):
                for kept in combinations(one.changes, size):
                    part = Counterfactual(kept, None, None, 0.0, 0.0)
                    assert (probability(changed(row[None], part))[0] > 0.5) == before


def test_nearest_comes_first_and_no_two_change_the_same_features() -> None:
    def any_large(table: Floats) -> Floats:
        return np.asarray(1 / (1 + np.exp(-4 * (table.max(axis=1) - 1.2))))

    ask = explainer(predictor(any_large), numeric(TABLE), "counterfactual", count=10)
    told = found(ask(numeric(ROW)))
    assert len(told) >= 3
    distances = [one.distance for one in told]
    assert distances == sorted(distances)
    sets = [{change.feature for change in one.changes} for one in told]
    assert all(not one <= other for one in sets for other in sets if one is not other)


def test_distance_is_the_sum_of_changes_in_spreads_of_the_reference() -> None:
    spreads = np.abs(TABLE - np.median(TABLE, axis=0)).mean(axis=0)
    ask = explainer(predictor(probability), numeric(TABLE), "counterfactual")
    for one in found(ask(numeric(ROW))):
        gaps = np.abs(changed(ROW, one) - ROW)[0] / spreads
        assert one.distance == pytest.approx(gaps.sum())


def test_plausibility_is_the_share_of_reference_rows_with_farther_neighbours() -> None:
    spreads = np.abs(TABLE - np.median(TABLE, axis=0)).mean(axis=0)
    pairs = (np.abs(TABLE[:, None] - TABLE[None]) / spreads).sum(axis=2)
    np.fill_diagonal(pairs, np.inf)
    ask = explainer(predictor(probability), numeric(TABLE), "counterfactual")
    for one in found(ask(numeric(ROW))):
        nearest = (np.abs(TABLE - changed(ROW, one)) / spreads).sum(axis=1).min()
        assert one.plausibility == pytest.approx((pairs.min(axis=1) > nearest).mean())


BOUND = explainer(predictor(probability), numeric(TABLE), "counterfactual")


@settings(max_examples=25, deadline=None)
@given(
    row=st.lists(st.floats(-1.5, 1.0), min_size=6, max_size=6),
    immutable=st.sets(st.integers(0, 5), max_size=3),
    increase=st.sets(st.integers(0, 5), max_size=3),
    bounds=st.dictionaries(st.integers(0, 5), st.floats(-1, 2), max_size=2),
)
def test_what_may_not_change_does_not(
    row: list[float], immutable: set[int], increase: set[int], bounds: dict[int, float]
) -> None:
    explanation = BOUND(
        numeric(np.array([row])),
        immutable=[f"f{at}" for at in immutable],
        increase_only=[f"f{at}" for at in increase],
        ranges={f"f{at}": [None, high] for at, high in bounds.items()},
    )
    for one in found(explanation):
        for change in one.changes:
            at = int(change.feature[1:])
            assert at not in immutable
            assert at not in increase or change.after > change.before
            assert change.after <= bounds.get(at, np.inf)


def test_when_nothing_may_change_nothing_is_found() -> None:
    ask = explainer(predictor(probability), numeric(TABLE), "counterfactual")
    explanation = ask(numeric(ROW), immutable=[f"f{at}" for at in range(6)])
    assert found(explanation) == ()
    assert content(explanation).decision == "<= 0.5"
    assert explanation.quality.rows == 1


def three(table: Floats) -> Floats:
    """Probabilities of three classes, by the first two features."""
    scores = np.column_stack([np.zeros(len(table)), 2 * table[:, 0] - 1, 2 * table[:, 1] - 1])
    odds = np.exp(scores)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("wanted", [1, 2])
def test_the_wanted_class_is_reached(wanted: int) -> None:
    ask = explainer(predictor(three), numeric(TABLE), "counterfactual", wanted=wanted)
    told = found(ask(numeric(ROW)))
    assert told
    assert {one.decision for one in told} == {wanted}
    assert told[0].score == pytest.approx(three(changed(ROW, told[0]))[0, wanted])


def test_a_wanted_class_that_is_none_is_refused() -> None:
    ask = explainer(predictor(three), numeric(TABLE), "counterfactual")
    with pytest.raises(
        DataMismatch, match="3 is no decision; output 'y' decides for one of 0 to 2"
    ):
        ask(numeric(ROW), wanted=3)


def test_what_is_wanted_already_needs_no_change() -> None:
    ask = explainer(predictor(three), numeric(TABLE), "counterfactual")
    explanation = ask(numeric(ROW), wanted=0)
    assert found(explanation) == ()
    assert dict(content(explanation).facts)["wanted_already"] is True


def test_a_number_is_brought_into_the_wanted_range() -> None:
    def price(table: Floats) -> Floats:
        return 100 + 10 * table[:, 0] - 20 * table[:, 1]

    ask = explainer(predictor(price), numeric(TABLE), "counterfactual")
    explanation = ask(numeric(ROW), at_least=120, at_most=130)
    assert content(explanation).wanted == "in [120, 130]"
    for one in found(explanation):
        assert 120 <= price(changed(ROW, one))[0] <= 130
        assert one.score == pytest.approx(price(changed(ROW, one))[0])
    assert found(explanation)


def test_labels_without_probabilities_do() -> None:
    def label(rows: Columns) -> Columns:
        yes = probability(matrix(rows)) > 0.5
        return Columns((Column("label", np.where(yes, "yes", "no").astype(object)),))

    ask = explainer(FunctionPredictor(label), numeric(TABLE), "counterfactual", wanted="yes")
    told = found(ask(numeric(ROW)))
    assert told
    assert {(one.decision, one.score) for one in told} == {("yes", None)}


def test_categories_nulls_and_whole_numbers_stay_what_they_are() -> None:
    rng = np.random.default_rng(2)
    colour = rng.choice(["red", "green"], 200).tolist()
    age = rng.integers(18, 80, 200)
    size: list[float | None] = rng.random(200).tolist()
    size[::4] = [None] * 50
    table = Columns.of(colour=colour, age=age, size=size)

    def decide(rows: Columns) -> Columns:
        yes = (rows["colour"].values == "red") & (rows["age"].values >= 40)
        return Columns((Column("label", yes),))

    row = Columns(
        (column_of("colour", ["green"]), column_of("age", [20]), column_of("size", [0.5]))
    )
    told = found(explainer(FunctionPredictor(decide), table, "counterfactual")(row))
    assert [change.feature for change in told[0].changes] == ["colour", "age"]
    assert told[0].changes[0].after == "red"
    assert isinstance(told[0].changes[1].after, int)
    assert 40 <= told[0].changes[1].after < 45
    spread = np.abs(age - np.median(age)).mean()
    assert told[0].distance == pytest.approx(1 + (told[0].changes[1].after - 20) / spread)


def test_nulls_are_one_apart_from_values_and_not_from_each_other() -> None:
    reference = Columns((column_of("x", [1.0, None, 3.0]), column_of("c", ["a", None, "b"])))
    metric = Metric.of(reference, frozenset({"x"}))
    row = Columns((column_of("x", [None]), column_of("c", ["a"])))
    row = Columns((Column("x", np.array([np.nan]), np.array([False])), row["c"]))
    np.testing.assert_array_equal(metric.parts(row), [[1, 0], [0, 1], [1, 1]])


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"immutable": ["age"]}, "immutable: no feature 'age'"),
        ({"ranges": {"age": [0, 1]}}, "ranges: no feature 'age'"),
        ({"decrease_only": ["c"]}, "decrease_only: feature 'c' is not a number"),
    ],
)
def test_an_option_about_a_feature_that_is_not_there_names_it(
    wishes: dict[str, Any], words: str
) -> None:
    table = Columns((Column("x", np.arange(3.0)), column_of("c", ["a", "b", "c"])))
    answer = FunctionPredictor(lambda rows: Columns((Column("label", rows["c"].values),)))
    with pytest.raises(DataMismatch, match=words):
        explainer(answer, table, "counterfactual")(table.take([0]), **wishes)
    with pytest.raises(ConfigError, match=f"models.m.explainers.counterfactual.{words}"):
        explainer(answer, table, "counterfactual", **wishes)


@pytest.mark.parametrize(
    "wishes",
    [
        {"at_least": 2, "at_most": 1},
        {"at_least": 2, "wanted": 1},
        {"at_most": 2, "threshold": 1},
        {"ranges": {"x": [2, 1]}},
    ],
)
def test_wishes_that_contradict_themselves_are_refused(wishes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CounterfactualSettings.model_validate(wishes)


def test_the_answer_is_the_same_alone_and_among_others() -> None:
    rows = [numeric(row[None]) for row in TABLE[:8]]
    ask = explainer(predictor(probability), numeric(TABLE), "counterfactual")
    alone = [content(ask(row)).to_json() for row in rows]
    with ThreadPoolExecutor(8) as pool:
        assert [content(one).to_json() for one in pool.map(ask, rows)] == alone


def test_a_small_budget_or_time_still_gives_what_was_reached() -> None:
    ask = explainer(predictor(probability), numeric(TABLE), "counterfactual")
    explanation = ask(numeric(ROW), budget=100)
    assert explanation.quality.stopped == "budget"
    assert found(explanation)
    for one in found(explanation):
        assert probability(changed(ROW, one))[0] > 0.5

    def slow(rows: Columns) -> Columns:
        time.sleep(0.15)
        return Columns((Column("y", probability(matrix(rows))),))

    late = explainer(FunctionPredictor(slow), numeric(TABLE), "counterfactual")
    explanation = late(numeric(ROW), deadline_seconds=0.4)
    assert explanation.quality.stopped == "deadline"
    assert found(explanation)


def test_a_rare_decision_is_looked_for_with_all_of_the_budget() -> None:
    rows = np.random.default_rng(1).normal(size=(3000, 2))

    def rare(table: Floats) -> Floats:
        return np.asarray(table[:, 0] > 2.5, np.float64)

    ask = explainer(predictor(rare), numeric(rows), "counterfactual", background=3000)
    row = numeric(np.array([[-2.0, 0.0]]))
    assert not found(ask(row, budget=400))
    assert ask(row, budget=400).quality.stopped == "budget"
    assert found(ask(row, budget=3200))
    nobody = explainer(predictor(lambda table: 0 * table[:, 0]), numeric(rows), "counterfactual")
    assert nobody(row).quality.stopped == "accurate"


def test_what_is_null_neither_grows_nor_shrinks() -> None:
    column = Column("f0", np.array([0]), np.array([False]))
    reference = Columns((Column("f0", np.arange(100)),))
    ask = explainer(predictor(lambda table: table[:, 0] / 100), reference, "counterfactual")
    assert found(ask(Columns((column,))))
    assert not found(ask(Columns((column,)), increase_only=["f0"]))
