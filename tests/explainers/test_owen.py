from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight_explainers.shapley.hierarchy import WholeHierarchy, random_orders
from tests.explainers.games import attributions, contributions, half_widths
from tests.explainers.media import of_texts
from tests.explainers.serving import Floats

GROUPS = [[0], [0, 0, 0], [0, 1, 2], [0, 0, 1, 1, 1, 2], [0, 1, 1, 2, 2]]


def by_definition(worth: Floats, groups: list[int]) -> Floats:
    """Mean gains over all orders in which no group is interrupted; `worth` by bits of players."""
    players, gains, orders = len(groups), np.zeros(len(groups)), 0
    for order in permutations(range(players)):
        told = [groups[one] for one in order]
        if sum(a != b for a, b in pairwise(told)) + 1 > len(set(groups)):
            continue
        orders, here = orders + 1, 0
        for player in order:
            gains[player] += worth[here | 1 << player] - worth[here]
            here |= 1 << player
    return gains / orders


def numbers(
    masks: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return masks.astype(np.intp) @ (1 << np.arange(masks.shape[1]))


@pytest.mark.parametrize("groups", GROUPS)
def test_all_coalitions_give_the_owen_values_of_their_definition(groups: list[int]) -> None:
    worth = np.random.default_rng(len(groups)).normal(size=1 << len(groups))
    whole = WholeHierarchy(np.array(groups))

    masks = whole.coalitions()

    assert len(masks) == whole.rows
    assert not masks[0].any()
    found = whole.contributions(worth[numbers(masks)])
    np.testing.assert_allclose(found, by_definition(worth, groups), atol=1e-12)


@pytest.mark.parametrize("groups", GROUPS)
def test_random_uninterrupted_orders_are_unbiased(groups: list[int]) -> None:
    worth = np.random.default_rng(len(groups)).normal(size=1 << len(groups))
    orders = random_orders(np.array(groups), 4000, np.random.default_rng(1))

    gains = orders.contributions(worth[numbers(orders.coalitions())])

    error = gains.std(axis=0) / np.sqrt(len(gains)) + 1e-12
    assert np.all(np.abs(gains.mean(axis=0) - by_definition(worth, groups)) < 4.5 * error)
    whole = worth[-1] - worth[0]
    np.testing.assert_allclose(gains.sum(axis=1), whole)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=7), st.integers(0, 99))
def test_no_order_interrupts_a_group(told: list[int], seed: int) -> None:
    groups = np.unique(told, return_inverse=True)[1].reshape(-1)

    orders = random_orders(groups, 5, np.random.default_rng(seed)).orders

    for order in orders:
        changes = int((np.diff(groups[order]) != 0).sum())
        assert changes == groups.max()
        assert sorted(order) == list(range(len(groups)))


def clauses(text: str) -> float:
    """Words weigh more beside others, across sentences too."""
    there = np.array([f"w{at}." in f"{text}." or f"w{at} " in text for at in range(12)])
    pairs = there[:-1] & there[1:]
    return float(
        there @ np.arange(12) * 0.1 + pairs @ np.linspace(-1, 1, 11) + there.sum() ** 2 / 9
    )


TEXT = "w0 w1 w2. w3 w4 w5 w6. w7 w8. w9 w10 w11."


def test_exact_owen_values_sum_to_the_shapley_values_of_the_sentences() -> None:
    explain = of_texts(clauses, "shapley", hierarchy="sentences")
    words, sentences = explain(TEXT), explain(TEXT, text={"unit": "sentence"}, hierarchy="none")
    content = attributions(words)
    assert (content.estimator, content.interval) == ("exact", "exact")
    assert abs(content.additivity_gap or 0) < 1e-9
    values = contributions(words)
    sums = [values[:3].sum(), values[3:7].sum(), values[7:9].sum(), values[9:].sum()]
    np.testing.assert_allclose(sums, contributions(sentences), atol=1e-9)
    assert words.quality.calls == 1


def test_sampled_owen_values_keep_to_the_budget_and_cover_the_exact_ones() -> None:
    explain = of_texts(clauses, "shapley", hierarchy="sentences")
    exact = contributions(explain(TEXT))
    inside = []
    for seed in range(60):
        explanation = explain(TEXT, budget=220, seed=seed)
        content = attributions(explanation)
        assert content.estimator == "permutation"
        assert content.interval == "reliable"
        assert 170 <= explanation.quality.rows <= 220
        assert abs(content.additivity_gap or 0) < 1e-9
        inside.append(np.abs(contributions(explanation) - exact) <= half_widths(explanation) + 1e-9)
    assert np.mean(inside) >= 0.93


def test_owen_values_stop_at_the_tolerance() -> None:
    explain = of_texts(clauses, "shapley", hierarchy="sentences", budget=285)
    explanation = explain(TEXT, tolerance=5.0)
    assert explanation.quality.stopped == "accurate"
    assert explanation.quality.rows < 180
    assert half_widths(explanation).max() <= 5.0


def test_the_smallest_budget_still_adds_up() -> None:
    explanation = of_texts(clauses, "shapley", hierarchy="sentences")(TEXT, budget=26)
    content = attributions(explanation)
    assert content.interval == "unreliable"
    assert explanation.quality.rows <= 26
    assert abs(content.additivity_gap or 0) < 1e-9


def test_an_empty_text_has_no_owen_values() -> None:
    explanation = of_texts(clauses, "shapley", hierarchy="sentences")("")
    assert attributions(explanation).attributions == ()
    assert attributions(explanation).prediction == clauses("")
