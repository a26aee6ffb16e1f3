from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.errors import DataMismatch, PredictorError
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns, column_of
from sidelight_explainers.shapley.enumeration import Enumeration
from sidelight_explainers.shapley.permutations import Chains
from tests.explainers.games import (
    attributions,
    contributions,
    enumerated,
    explainer,
    half_widths,
    numeric,
    shapley,
)
from tests.explainers.serving import Floats

RNG_SEED = 20260101


def curved(table: Floats) -> Floats:
    """Interactions up to third order."""
    return np.asarray(
        np.tanh(table[:, 0] * table[:, 1])
        + table[:, 2] ** 2 * table[:, 0]
        + table[:, 0] * table[:, 1] * table[:, 3]
        - table[:, -1]
    )


@pytest.mark.parametrize("features", [1, 2, 4, 10, 30])
def test_a_linear_model_gives_its_closed_form(features: int) -> None:
    rng = np.random.default_rng(features)
    weights, background = rng.normal(size=features), rng.normal(size=(100, features))
    row = rng.normal(size=(1, features))
    explain = shapley(lambda table: table @ weights, background, budget=4096)
    explanation = explain(numeric(row))
    used = background[: attributions(explanation).background_rows]
    closed_form = weights * (row[0] - used.mean(axis=0))
    np.testing.assert_allclose(contributions(explanation), closed_form, atol=1e-8)
    np.testing.assert_allclose(
        attributions(explanation).base_value, used.mean(axis=0) @ weights, atol=1e-8
    )
    assert attributions(explanation).background_rows == 100
    assert abs(attributions(explanation).additivity_gap or 0) < 1e-9


@pytest.mark.parametrize("players", range(1, 16))
def test_enumeration_is_exact_for_every_number_of_players(players: int) -> None:
    rng = np.random.default_rng(players)
    table = rng.normal(size=(2**players, 3))
    np.random.seed(1)
    before = np.random.get_state()[2]  # type: ignore[index]
    values = Enumeration(players, 3).contributions(table.reshape(-1))
    assert np.random.get_state()[2] == before  # type: ignore[index]
    subsets = np.arange(2**players)
    sizes = np.array([int(one).bit_count() for one in subsets])
    for player in range(players):
        without = subsets[subsets >> player & 1 == 0]
        weights = 1 / (players * np.array([comb(players - 1, one) for one in sizes[without]]))
        gains = table[without + (1 << player)] - table[without]
        np.testing.assert_allclose(values[:, player], weights @ gains, atol=1e-11)


@pytest.mark.parametrize("features", [4, 5, 6])
def test_with_enough_budget_the_values_are_the_enumerated_ones(features: int) -> None:
    rng = np.random.default_rng(features)
    background, row = rng.normal(size=(20, features)), rng.normal(size=features)
    explain = shapley(curved, background, budget=20 * 2**features)
    explanation = explain(numeric(row[None]))
    assert attributions(explanation).estimator == "exact"
    assert explanation.quality.stopped == "accurate"
    truth = enumerated(curved, row, background)
    np.testing.assert_allclose(contributions(explanation), truth, atol=1e-10)


def test_random_orders_are_exact_where_features_interact_in_pairs_at_most() -> None:
    rng = np.random.default_rng(3)
    background, row = rng.normal(size=(10, 7)), rng.normal(size=7)

    def pairs(table: Floats) -> Floats:
        return np.asarray(table[:, 0] * table[:, 1] - table[:, 2] * table[:, 6] + table[:, 3])

    # two chains for each background row: every order stands beside its reverse
    explain = shapley(pairs, background, budget=2 + 10 * 2 * 7)
    explanation = explain(numeric(row[None]))
    assert attributions(explanation).estimator == "permutation"
    truth = enumerated(pairs, row, background)
    np.testing.assert_allclose(contributions(explanation), truth, atol=1e-10)


@pytest.mark.soak
def test_the_sums_over_orders_are_those_of_shaps_permutation_explainer() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap  # its first use compiles for many seconds

    rng = np.random.default_rng(5)
    background, row = rng.normal(size=(8, 5)), rng.normal(size=5)
    theirs = shap.PermutationExplainer(curved, background, seed=1)
    values = theirs(row[None], max_evals=3 * 11, silent=True).values[0]
    shuffling, order, orders = np.random.RandomState(1), np.arange(5), []
    for _ in range(3):
        shuffling.shuffle(order)
        orders += [order.copy(), order[::-1].copy()]
    background_of = np.repeat(np.arange(8), 6)
    chains = Chains(np.tile(orders, (8, 1)), background_of, background_of)
    masks, start = chains.coalitions()
    ours = chains.gains(curved(np.where(masks, row, background[start])))
    np.testing.assert_allclose(ours.mean(axis=0), values, atol=1e-12)


def test_estimates_from_random_orders_are_unbiased() -> None:
    rng = np.random.default_rng(5)
    background, row = rng.normal(size=(8, 5)), rng.normal(size=5)
    explain = shapley(curved, background, budget=8 * 5 + 2)
    estimates = [contributions(explain(numeric(row[None]), seed=at)) for at in range(150)]
    truth = enumerated(curved, row, background)
    errors = np.std(estimates, axis=0) / np.sqrt(150)
    assert np.all(np.abs(np.mean(estimates, axis=0) - truth) <= 4 * errors + 1e-12)


@pytest.mark.parametrize("budget", [120, 200, 400, 1200])
def test_intervals_hold_the_value_of_the_game_with_this_background(budget: int) -> None:
    rng = np.random.default_rng(RNG_SEED)
    background, row = rng.normal(size=(20, 6)), rng.normal(size=6)
    truth = enumerated(curved, row, background)
    explain = shapley(curved, background, budget=budget)
    told = [explain(numeric(row[None]), seed=seed) for seed in range(40)]
    errors = np.array([np.abs(contributions(one) - truth) for one in told])
    coverage = np.mean(errors <= np.array([half_widths(one) for one in told]) + 1e-12)
    assert coverage >= 0.91
    if budget > 20 * 12:  # two orders a background row: no wider than need be either
        assert coverage <= 0.995


def test_no_more_rows_are_asked_than_the_budget_and_none_twice() -> None:
    rng = np.random.default_rng(1)
    background = rng.integers(0, 3, size=(100, 8)).astype(float)
    asked: list[Columns] = []

    def remember(rows: Columns) -> Columns:
        asked.append(rows)
        return Columns((Column("y", rows["f0"].values * rows["f1"].values),))

    for budget in (10, 50, 801, 1000, 2048):
        asked.clear()
        explain = explainer(FunctionPredictor(remember), numeric(background), budget=budget)
        explanation = explain(numeric(background[:1] + 1))
        table = np.column_stack([column.values for column in Columns.concatenate(asked)])
        assert explanation.quality.calls == len(asked) <= 2
        assert explanation.quality.rows == len(table) <= budget
        # the explained row alone may come twice: it tells whether the predictor is steady
        assert len(table) - len(np.unique(table, axis=0)) <= 1


def test_all_explanations_of_a_model_share_one_base_value() -> None:
    rng = np.random.default_rng(2)
    explain = shapley(curved, rng.normal(size=(100, 12)), budget=500)
    rows = numeric(rng.normal(size=(5, 12)))
    bases = {round(attributions(explain(rows.take([at]))).base_value, 12) for at in range(5)}
    assert len(bases) == 1


def test_the_answer_is_the_same_alone_and_among_sixteen_threads() -> None:
    rng = np.random.default_rng(4)
    explain = shapley(curved, rng.normal(size=(50, 9)), budget=600)
    small = shapley(curved, rng.normal(size=(4, 4)), budget=600)
    rows = rng.normal(size=(64, 9))

    def one(at: int) -> tuple[object, object]:
        return (
            explain(numeric(rows[[at]])).content,
            small(numeric(rows[[at], :4])).content,
        )

    alone = [one(at) for at in range(64)]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(one, range(64)))
    assert together == alone


def test_explaining_leaves_numpys_shared_generator_alone() -> None:
    np.random.seed(7)
    before = np.random.get_state()[1].copy()  # type: ignore[index]
    explain = shapley(curved, np.ones((5, 6)), budget=40)
    explain(numeric(np.zeros((1, 6))))
    after = np.random.get_state()[1]  # type: ignore[index]
    np.testing.assert_array_equal(before, after)


def test_mixed_columns_reach_the_predictor_as_they_are() -> None:
    reference = Columns(
        (
            Column("age", np.array([30, 40, 50], np.int64)),
            Column("sex", np.array(["f", "m", "f"], object)),
            Column("rate", np.array([0.5, np.nan, 1.5]), np.array([True, False, True])),
            Column("member", np.array([True, False, True])),
        )
    )
    seen: list[Columns] = []

    def score(rows: Columns) -> Columns:
        seen.append(rows)
        points = {"f": 1.0, "m": 2.0, "x": 5.0}
        values = np.array([points[one] for one in rows["sex"].values]) + rows["age"].values
        rate = rows["rate"]
        null = ~rate.valid if rate.valid is not None else np.zeros(len(rows), bool)
        return Columns((Column("y", values + 100.0 * null + rows["member"].values),))

    row = Columns((column_of("sex", ["x"]), column_of("rate", [2.0]), column_of("member", [True])))
    row = Columns((*row.columns, column_of("age", [60.0])))
    explain = explainer(FunctionPredictor(score), reference)
    explanation = explain(row)
    assert seen[0].names == ("age", "sex", "rate", "member")
    assert seen[0]["age"].values.dtype == np.int64
    assert seen[0]["member"].values.dtype == np.bool_
    expected = {"age": 20.0, "sex": 5 - 4 / 3, "rate": -100 / 3, "member": 1 / 3}
    for one in attributions(explanation).attributions:
        assert one.contribution == pytest.approx(expected[one.feature], abs=1e-10)
    assert [one.value for one in attributions(explanation).attributions] == [60, "x", 2.0, True]


def test_a_null_in_the_explained_row_stays_a_null() -> None:
    reference = Columns((Column("a", np.array([1, 2])), Column("b", np.array(["x", "y"], object))))

    def count_nulls(rows: Columns) -> Columns:
        nulls = [~c.valid if c.valid is not None else np.zeros(len(rows), bool) for c in rows]
        return Columns((Column("y", np.sum(nulls, axis=0, dtype=float)),))

    explain = explainer(FunctionPredictor(count_nulls), reference)
    explanation = explain(Columns((column_of("a", [None]), column_of("b", [None]))))
    assert contributions(explanation) == pytest.approx([1.0, 1.0])
    assert [one.value for one in attributions(explanation).attributions] == [None, None]


def test_a_feature_that_never_differs_contributes_nothing_and_costs_nothing() -> None:
    background = np.zeros((10, 12))
    explain = shapley(curved, background, budget=200)
    row = np.zeros((1, 12))
    row[0, [0, 2]] = 1.0
    explanation = explain(numeric(row))
    assert attributions(explanation).estimator == "exact"
    assert explanation.quality.rows == 5
    expected = enumerated(curved, row[0, :4], background[:, :4])
    np.testing.assert_allclose(contributions(explanation)[:4], expected, atol=1e-12)


def test_the_row_itself_as_background_gives_zeros() -> None:
    explain = shapley(curved, np.ones((1, 5)))
    explanation = explain(numeric(np.ones((1, 5))))
    assert not contributions(explanation).any()
    assert half_widths(explanation)[0] == 0


def test_an_unsteady_predictor_shows_in_the_additivity_gap() -> None:
    rng = np.random.default_rng(0)
    explain = shapley(
        lambda table: table[:, 0] + rng.normal(size=len(table)),
        rng.normal(size=(9, 5)),
    )
    assert abs(attributions(explain(numeric(np.ones((1, 5))))).additivity_gap or 0) > 1e-3


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Columns.of(f0=[1.0]), "'f1' is missing"),
        (Columns.of(f0=[1.0], f1=["a"]), "feature 'f1': expected a number .* got the string 'a'"),
        (Columns.of(f0=[1.0], f1=[b"a"]), "feature 'f1': expected a number .* got the bytes b'a'"),
        (Columns.of(f0=[1.0], f1=[[1.0, 2.0]]), r"feature 'f1' has shape \(2,\)"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_by_feature(row: Columns, words: str) -> None:
    explain = shapley(curved, np.ones((5, 2)))
    with pytest.raises(DataMismatch, match=words):
        explain(row)


def test_a_budget_below_one_chain_is_refused_with_the_smallest_that_works() -> None:
    explain = shapley(lambda table: table.sum(axis=1), np.ones((5, 10)))
    with pytest.raises(DataMismatch, match="set at least 12"):
        explain(numeric(np.zeros((1, 10))), budget=11)
    assert explain(numeric(np.zeros((1, 10))), budget=12).quality.rows <= 12


def test_an_output_that_is_not_finite_is_the_predictors_error() -> None:
    explain = shapley(lambda table: table[:, 0] * np.nan, np.ones((5, 2)))
    with pytest.raises(PredictorError, match="not finite in 5 of 5 rows"):
        explain(numeric(np.zeros((1, 2))))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_contributions_always_add_up(data: st.DataObject) -> None:
    features, size = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 12))
    values = st.sampled_from([-1.0, 0.0, 0.5, 2.0, float("nan")])
    table = np.array(
        data.draw(
            st.lists(
                st.lists(values, min_size=features, max_size=features),
                min_size=size + 1,
                max_size=size + 1,
            )
        )
    )

    def anything(rows: Floats) -> Floats:
        filled = np.nan_to_num(rows, nan=3.0)
        return np.asarray(np.sin(filled.sum(axis=1)) * filled[:, 0])

    budget = data.draw(st.integers(features + 2, 400))
    explain = shapley(anything, table[:-1], budget=budget)
    explanation = explain(numeric(table[-1:]), seed=data.draw(st.integers(0, 9)))
    assert abs(attributions(explanation).additivity_gap or 0) < 1e-9
    assert explanation.quality.rows <= budget
    total = attributions(explanation).base_value + contributions(explanation).sum()
    assert total == pytest.approx(attributions(explanation).prediction, abs=1e-9)


@pytest.mark.parametrize("reference", [np.arange(30), np.arange(30) % 2 == 0])
def test_a_nan_among_whole_numbers_or_flags_is_asked_as_it_is(reference: Floats) -> None:
    asked: list[Floats] = []

    def told(rows: Columns) -> Columns:
        asked.append(rows["f0"].values.astype(np.float64))
        return Columns((Column("y", np.isnan(asked[-1]).astype(np.float64)),))

    explain = explainer(FunctionPredictor(told), Columns((Column("f0", reference),)))
    found = attributions(explain(Columns((Column("f0", np.array([np.nan])),))))
    assert np.isnan(asked[0][0])
    assert found.prediction == 1
    assert found.attributions[0].value is None


def test_intervals_hold_where_few_background_rows_have_two_pairs_of_orders() -> None:
    """The default budget gives a fifth of the background rows of 9 features a second pair."""

    def steps(table: Floats) -> Floats:
        first = (table[:, 0] > 0) & (table[:, 1] > 0)
        second = (table[:, 2] > 0.5) & (table[:, 3] < 0) & (table[:, 4] > 0)
        return np.asarray(first + 2.0 * second + 0.5 * (table[:, 5] > 1))

    held = []
    for game in range(5):
        rng = np.random.default_rng(100 + game)
        background, row = rng.normal(size=(100, 9)), rng.normal(size=(1, 9))
        exact = enumerated(steps, row[0], background)
        explain = shapley(steps, background)
        for seed in range(6):
            found = explain(numeric(row), seed=seed)
            held.append(np.abs(contributions(found) - exact) <= half_widths(found) + 1e-12)
    assert np.mean(held) > 0.95
