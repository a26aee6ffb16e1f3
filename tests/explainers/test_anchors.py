from __future__ import annotations

import math
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sidelight.config.settings import ModelSettings
from sidelight.errors import DataMismatch
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns, column_of
from sidelight_explainers.anchors.predicates import borders, predicates, words
from sidelight_explainers.anchors.proving import Proof, doubt_of, draws_called_for, lower_bound
from sidelight_explainers.contents.anchor import Anchor
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained, explained
from sidelight_explainers.subject import Subject
from tests.explainers.games import explainer, numeric, predictor
from tests.explainers.serving import Floats, matrix
from tests.explainers.watching import Watching


def anchor(explanation: Explanation) -> Anchor:
    assert isinstance(explanation.content, Anchor)
    return explanation.content


def said(explanation: Explanation) -> set[str]:
    return {one.words for one in anchor(explanation).conditions}


def corner(table: Floats) -> Floats:
    """Yes in one corner of two of the features."""
    return ((table[:, 0] > 0.5) & (table[:, 1] <= 0.25)).astype(np.float64)


def reference(rows: int = 400, features: int = 6, seed: int = 0) -> Floats:
    """Independent columns that fill the unit evenly, so that borders are round numbers."""
    even = np.tile(((np.arange(rows) + 0.5) / rows)[:, None], features)
    return np.random.default_rng(seed).permuted(even, axis=0)


def opened(features: dict[str, Any], predictor: FunctionPredictor, **options: Any) -> Explained:
    settings = ModelSettings.model_validate(
        {"features": features, "explainers": {"anchor": options}}
    )
    return explained(Subject("m", settings, tuple(features)), predictor)


def explain(model: Explained, **row: Any) -> Explanation:
    return model.explain("anchor", model.methods["anchor"].settings, Columns.of(**row))


@pytest.mark.parametrize(("hits", "draws"), [(0, 10), (1, 10), (95, 100), (100, 100)])
def test_the_bound_is_that_of_clopper_and_pearson(hits: int, draws: int) -> None:
    exact = stats.binomtest(hits, draws, alternative="greater").proportion_ci(0.99, "exact").low
    assert lower_bound(hits, draws, 0.01) == pytest.approx(exact, abs=1e-12)


def test_all_tests_together_are_wrong_no_more_often_than_was_said() -> None:
    assert sum(doubt_of(test, 0.95) for test in range(100_000)) == pytest.approx(0.05, abs=1e-5)


def test_a_rule_names_what_decides_and_nothing_else() -> None:
    table = reference()
    explanation = explainer(predictor(corner), numeric(table), "anchor")(
        numeric(np.array([[0.9, 0.1, 0.5, 0.5, 0.5, 0.5]]))
    )
    content = anchor(explanation)
    assert content.found
    assert {one.feature for one in content.conditions} == {"f0", "f1"}
    assert content.precision == 1
    assert 0.95 <= content.precision_low < 1
    assert content.decision == "> 0.5"
    assert explanation.quality.stopped == "accurate"
    assert explanation.quality.calls <= 25


def test_a_rule_holds_for_the_row_that_it_explains() -> None:
    table = reference(seed=3)
    explain_row = explainer(predictor(corner), numeric(table), "anchor")
    for row in reference(5, seed=4):
        for one in anchor(explain_row(numeric(row[None]))).conditions:
            assert eval(one.words, {one.feature: row[one.player]})  # noqa: S307


def test_the_stated_precision_is_that_of_fresh_draws_from_the_stated_distribution() -> None:
    """The draws are made again here, from the words of the answer alone."""
    table, rng = reference(seed=5), np.random.default_rng(6)

    def noisy(rows: Floats) -> Floats:
        return ((rows[:, 0] > 0.4) & (rows[:, 1] + 0.2 * rows[:, 2] <= 0.6)).astype(np.float64)

    row = np.array([[0.8, 0.2, 0.4, 0.5, 0.5, 0.5]])
    content = anchor(explainer(predictor(noisy), numeric(table), "anchor")(numeric(row)))
    draws = table[rng.integers(len(table), size=4000)]
    for one in content.conditions:
        name, at = one.feature, one.player
        keeps = np.array([eval(one.words, {name: value}) for value in table[:, at]])  # noqa: S307
        breaks = ~np.array([eval(one.words, {name: value}) for value in draws[:, at]])  # noqa: S307
        donors = np.append(table[keeps, at], row[0, at])
        draws[breaks, at] = rng.choice(donors, breaks.sum())
    precision = (noisy(draws) == noisy(row)).mean()
    assert content.found
    assert precision >= content.precision_low
    assert precision == pytest.approx(content.precision, abs=0.03)
    covered = np.all(
        [[eval(c.words, {c.feature: row[c.player]}) for c in content.conditions] for row in table],  # noqa: S307
        axis=1,
    )
    assert content.coverage == pytest.approx(covered.mean())


def test_rules_are_what_they_claim_in_nineteen_of_twenty_searches() -> None:
    rng = np.random.default_rng(7)
    wrong = found = 0
    for seed in range(30):
        table = reference(150, 4, seed)
        weights, bias = rng.normal(size=4), rng.normal() / 2

        def linear(rows: Floats, weights: Floats = weights, bias: float = bias) -> Floats:
            return (np.sin(7 * rows) @ weights > bias).astype(np.float64)

        row = rng.random((1, 4))
        ask = explainer(predictor(linear), numeric(table), "anchor", precision=0.9, budget=4096)
        content = anchor(ask(numeric(row), seed=seed))
        if not content.found:
            continue
        draws = table[rng.integers(len(table), size=4000)]
        for one in content.conditions:
            values = {one.feature: table[:, one.player]}
            keeps = _holds(one.words, values[one.feature], one.feature)
            donors = np.append(table[keeps, one.player], row[0, one.player])
            breaks = ~_holds(one.words, draws[:, one.player], one.feature)
            draws[breaks, one.player] = rng.choice(donors, breaks.sum())
        found += 1
        wrong += (linear(draws) == linear(row)).mean() < 0.9 - 0.01
    assert found >= 10
    assert wrong <= 1 + 0.05 * found


def _holds(words: str, values: Floats, name: str) -> Any:
    low, _, rest = words.partition(" < ")
    if rest:
        high = float(rest.split(" <= ")[1])
        return (values > float(low)) & (values <= high)
    sign, bound = words.removeprefix(f"{name} ").split(" ")
    return values > float(bound) if sign == ">" else values <= float(bound)


def test_a_model_that_always_decides_alike_needs_no_condition() -> None:
    always = predictor(lambda table: np.full(len(table), 0.9))
    explanation = explainer(always, numeric(reference()), "anchor")(numeric(reference(1)))
    content = anchor(explanation)
    assert (content.found, content.conditions, content.coverage) == (True, (), 1.0)


def test_no_useful_rule_is_an_answer_and_says_how_near_the_best_came() -> None:
    def scattered(table: Floats) -> Floats:
        return (np.sin(1e6 * table @ np.sqrt(np.arange(2, 8))) > 0).astype(np.float64)

    explanation = explainer(predictor(scattered), numeric(reference()), "anchor", max_conditions=2)(
        numeric(reference(1, seed=9))
    )
    content = anchor(explanation)
    assert not content.found
    assert content.draws >= 500
    assert content.precision_low < content.precision < 0.7


def test_categories_and_nulls_make_rules() -> None:
    rng = np.random.default_rng(1)
    colour = rng.choice(["red", "green", "blue"], 300).tolist()
    size: list[float | None] = rng.random(300).tolist()
    size[::3] = [None] * 100
    table = Columns.of(colour=colour, size=size)

    def decide(rows: Columns) -> Columns:
        null = ~rows["size"].valid if rows["size"].valid is not None else np.zeros(len(rows), bool)
        yes = (rows["colour"].values == "red") & null
        return Columns((Column("label", np.where(yes, "yes", "no").astype(object)),))

    explanation = explainer(FunctionPredictor(decide), table, "anchor")(
        Columns((column_of("colour", ["red"]), column_of("size", [None])))
    )
    assert said(explanation) == {"colour = red", "size is null"}
    assert anchor(explanation).decision == "yes"


def test_a_value_never_seen_before_still_makes_a_rule() -> None:
    table = Columns.of(colour=["red", "green"] * 100, size=np.arange(200.0))

    def decide(rows: Columns) -> Columns:
        return Columns((Column("label", rows["colour"].values == "mauve"),))

    explanation = explainer(FunctionPredictor(decide), table, "anchor")(
        Columns.of(colour=["mauve"], size=[999.0])
    )
    assert said(explanation) == {"colour = mauve"}
    assert anchor(explanation).coverage == 0


@pytest.mark.parametrize(
    ("options", "decision"),
    [({"threshold": 3.0}, "> 3"), ({"tolerance": 1.0}, "in [3.4, 5.4]")],
)
def test_numbers_are_decisions_beside_a_threshold_or_within_a_tolerance(
    options: dict[str, float], decision: str
) -> None:
    price = predictor(lambda table: 4 * table[:, 0] + 2 * table[:, 1])
    ask = explainer(price, numeric(reference()), "anchor", bins=8, **options)
    content = anchor(ask(numeric(np.array([[0.9, 0.4, 0.5, 0.5, 0.5, 0.5]]))))
    assert (content.found, content.decision) == (True, decision)
    assert {one.feature for one in content.conditions} <= {"f0", "f1"}


def test_a_number_that_decides_nothing_asks_for_a_threshold() -> None:
    price = predictor(lambda table: 100 * table[:, 0])
    with pytest.raises(DataMismatch, match="set 'threshold' or 'tolerance'"):
        explainer(price, numeric(reference()), "anchor")(numeric(reference(1)))


def test_borders_are_short_numbers_between_values_and_bins_equally_filled() -> None:
    table = Columns.of(
        age=np.arange(100), flag=[0, 1] * 50, most=[7.0] * 95 + [1.0] * 5, same=[2.0] * 100
    )
    cuts = borders(table, frozenset(table.names), 4)
    assert {name: edges.tolist() for name, edges in cuts.items()} == {
        "age": [24.0, 49.5, 74.0],
        "flag": [0.5],
        "most": [4.0],
        "same": [],
    }
    filled = np.histogram(table["age"].values, [-1, *np.nextafter(cuts["age"], 100), 100])[0]
    assert filled.tolist() == [25] * 4


def test_conditions_of_one_feature_are_said_together() -> None:
    cuts = {"age": np.array([20.0, 30.0, 40.0, 50.5])}
    every = predicates(Columns.of(age=[35]), cuts)
    told = {(one.side, str(one.bound)): one for one in every}
    assert words("age", [told["above", "30.0"]]) == "age > 30"
    assert words("age", [told["above", "20.0"], told["upto", "50.5"]]) == "20 < age <= 50.5"
    assert told["above", "20.0"].widens(told["above", "30.0"])
    assert not told["above", "30.0"].widens(told["above", "20.0"])
    assert not told["upto", "40.0"].widens(told["above", "30.0"])


def two_words(rows: Columns) -> Columns:
    """Yes when both words are there."""
    texts = rows["text"].values
    yes = np.array([{"great", "fun"} <= set(text.split()) for text in texts], np.float64)
    return Columns((Column("p", np.column_stack([1 - yes, yes])),))


def test_the_words_that_are_enough_are_found_in_a_long_text_with_little_memory() -> None:
    text = " ".join(
        ["great" if at == 150 else "fun" if at == 20 else f"w{at}" for at in range(300)]
    )
    model = opened({"text": "text"}, FunctionPredictor(two_words), text={"most": 4096})
    tracemalloc.start()
    explanation = explain(model, text=[text])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    content = anchor(explanation)
    assert content.found
    assert said(explanation) == {"great", "fun"}
    assert content.coverage == 0.25
    assert content.layout is not None
    assert peak < 200 << 20


def test_a_part_of_a_picture_is_a_rule() -> None:
    picture = np.zeros((1, 16, 16))
    picture[0, :8, :8] = 1.0

    def bright(rows: Columns) -> Columns:
        return Columns((Column("bright", rows["image"].values[:, 2, 2] > 0.9),))

    model = opened(
        {"image": "image"}, FunctionPredictor(bright), image={"segments": "grid", "count": 4}
    )
    content = anchor(explain(model, image=picture))
    assert content.found
    assert [one.player for one in content.conditions] == [0]


def test_the_answer_is_the_same_alone_and_among_others() -> None:
    rows = [numeric(row[None]) for row in reference(8, seed=11)]
    ask = explainer(predictor(corner), numeric(reference()), "anchor")
    alone = [anchor(ask(row)).to_json() for row in rows]
    with ThreadPoolExecutor(8) as pool:
        together = [anchor(one).to_json() for one in pool.map(ask, rows)]
    assert alone == together


def test_past_the_deadline_it_says_what_it_has() -> None:
    def slow(rows: Columns) -> Columns:
        time.sleep(0.15)
        return Columns((Column("y", corner(matrix(rows))),))

    ask = explainer(FunctionPredictor(slow), numeric(reference()), "anchor", deadline_seconds=0.4)
    explanation = ask(numeric(np.array([[0.9, 0.1, 0.5, 0.5, 0.5, 0.5]])))
    assert explanation.quality.stopped == "deadline"
    assert not anchor(explanation).found


def test_whoever_watches_sees_the_best_rule_so_far() -> None:
    table, looking = numeric(reference()), Watching()
    settings = ModelSettings.model_validate({"explainers": {"anchor": {}}})
    model = explained(Subject("m", settings, table.names, table, table), predictor(corner))
    row = numeric(np.array([[0.9, 0.1, 0.5, 0.5, 0.5, 0.5]]))
    last = model.explain("anchor", model.methods["anchor"].settings, row, looking)
    assert len(looking.seen) >= 2
    assert anchor(looking.seen[0]).precision_low == 0
    assert not anchor(looking.seen[0]).found
    assert anchor(last).found
    assert [one.quality.rows for one in looking.seen] == sorted(
        one.quality.rows for one in looking.seen
    )


def test_a_budget_that_compares_nothing_is_refused_with_one_that_would() -> None:
    ask = explainer(predictor(corner), numeric(reference()), "anchor")
    row = numeric(reference(1))
    with pytest.raises(DataMismatch, match="set at least") as refused:
        ask(row, budget=50)
    enough = int(str(refused.value).rsplit(" ", 1)[1])
    assert ask(row, budget=enough).quality.stopped in ("accurate", "budget")
    assert ask(row, budget=enough).quality.rows <= enough


def test_a_rule_that_came_near_is_tested_again_on_the_draws_that_it_calls_for() -> None:
    near = Proof((1,), 238, 250, 0.889)
    draws = draws_called_for(near, 0.9, 0.01)
    assert 250 < draws < 1000
    hits = round(draws * 239 / 252)
    assert lower_bound(hits, round(draws), 0.01) > 0.9
    assert draws_called_for(Proof((1,), 220, 250, 0.8), 0.9, 0.01) == math.inf


def noisy(table: Floats) -> Floats:
    """Yes in 93 % of rows where the first is large, as it were by chance."""
    weights = np.array([12.9898, 78.233, 37.719, 4.1414, 93.989, 67.345])
    chance = np.abs(np.sin(table @ weights)) * 43758.5453 % 1
    large = table[:, 0] > 0.5
    return np.asarray(large ^ (chance > np.where(large, 0.93, 0.6)), np.float64)


def test_the_end_of_the_calls_is_told() -> None:
    rows = reference(1000)
    row = next(one for one in rows if one[0] > 0.5 and noisy(one[None])[0] == 1)
    ask = explainer(predictor(noisy), numeric(rows), "anchor", precision=0.97)
    explanation = ask(numeric(row[None]))
    assert not anchor(explanation).found
    assert explanation.quality.stopped == "budget"
    assert explanation.quality.calls <= 25
    all_tried = ask(numeric(row[None]), max_conditions=1, precision=0.99)
    assert not anchor(all_tried).found
    assert all_tried.quality.stopped == "accurate"
