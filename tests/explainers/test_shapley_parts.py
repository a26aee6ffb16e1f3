from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from sidelight.errors import ConfigError
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import Asking, OutOfTime
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.shapley.intervals import per_unit_variance
from sidelight_explainers.shapley.orders import spread_orders
from sidelight_explainers.shapley.permutations import paired_chains
from sidelight_explainers.shapley.rounds import Rounds, variances
from sidelight_explainers.shapley.surrogate import fit_surrogate
from tests.explainers.games import (
    attributions,
    contributions,
    enumerated,
    explainer,
    half_widths,
    numeric,
    shapley,
)
from tests.explainers.serving import Floats, matrix
from tests.explainers.watching import Watching


def curved(table: Floats) -> Floats:
    told = np.tanh(table[:, 0] * table[:, 1]) + table[:, 2] ** 2 * table[:, 0] * table[:, 3]
    return np.asarray(told - table[:, -1])


def test_every_player_stands_at_every_place_once_in_a_square() -> None:
    orders = spread_orders(7, 21, np.random.default_rng(0))
    for square in orders.reshape(3, 7, 7):
        np.testing.assert_array_equal(np.sort(square, axis=0), np.tile(np.arange(7), (7, 1)).T)
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(7), (21, 1)))


def test_all_orders_are_equally_likely() -> None:
    rng = np.random.default_rng(1)
    drawn = [tuple(spread_orders(3, 1, rng)[0]) for _ in range(6000)]
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert counts.min() > 880


def test_a_group_counts_as_one_player() -> None:
    rng = np.random.default_rng(2)
    background, row = rng.normal(size=(8, 5)), rng.normal(size=5)
    groups = {"both": ["f1", "f3"]}
    told = attributions(shapley(curved, background, groups=groups)(numeric(row[None])))
    assert [one.feature for one in told.attributions] == ["f0", "both", "f2", "f4"]
    assert told.attributions[1].value == [row[1], row[3]]

    def merged(table: Floats) -> Floats:
        """The group's values are found by the row that its first feature comes from."""
        known = {*background[:, 1], row[1]}
        thirds = {**dict(zip(background[:, 1], background[:, 3], strict=True)), row[1]: row[3]}
        assert set(table[:, 1]) <= known
        third = np.array([thirds[one] for one in table[:, 1]])
        return curved(np.column_stack([table[:, :3], third, table[:, 3]]))

    truth = enumerated(merged, np.delete(row, 3), np.delete(background, 3, axis=1))
    shares = [one.contribution for one in told.attributions]
    np.testing.assert_allclose(shares, truth, atol=1e-10)


@pytest.mark.parametrize(
    "groups", [{"a": ["f9"]}, {"a": ["f1"], "b": ["f1"]}, {"a": ["f1", "f1"]}, {"f2": ["f1"]}]
)
def test_groups_that_cannot_be_are_refused_by_name(groups: dict[str, list[str]]) -> None:
    with pytest.raises(ConfigError, match="group"):
        shapley(curved, np.ones((4, 5)), groups=groups)


def test_a_logistic_model_is_found_again_by_the_surrogate() -> None:
    rng = np.random.default_rng(3)
    background, row = rng.normal(size=(30, 6)), rng.normal(size=6)
    weights = 2 * rng.normal(size=6)
    chains = paired_chains(6, 30, 120, rng)
    masks, at = chains.coalitions()
    outputs = expit(np.where(masks, row, background[at]) @ weights)
    surrogate = fit_surrogate(masks, at, outputs, background)
    assert surrogate.bent
    np.testing.assert_allclose(surrogate.gains(chains), chains.gains(outputs), atol=0.02)


def test_a_logistic_model_takes_a_tenth_of_the_error_of_a_step_at_the_same_rows() -> None:
    rng = np.random.default_rng(4)
    background, row = rng.normal(size=(40, 12)), rng.normal(size=(1, 12))
    weights = 2 * rng.normal(size=12)

    def logistic(table: Floats) -> Floats:
        return np.asarray(expit(table @ weights))

    def distance(scale: float) -> float:
        """Between two seeds; outputs beyond 1 are fitted by a line, which takes off nothing."""
        explain = shapley(lambda table: scale * logistic(table), background, budget=1100)
        one, two = (contributions(explain(numeric(row), seed=seed)) for seed in (1, 2))
        return float(((one - two) ** 2).sum()) / scale**2

    assert distance(1.0) < 0.1 * distance(2.0)


def test_it_stops_when_every_interval_is_within_the_tolerance() -> None:
    rng = np.random.default_rng(5)
    background, row = rng.normal(size=(20, 8)), rng.normal(size=(1, 8))
    explain = shapley(curved, background, budget=4000)
    coarse = explain(numeric(row), tolerance=0.2)
    fine = explain(numeric(row), tolerance=0.1)
    assert coarse.quality.stopped == fine.quality.stopped == "accurate"
    assert half_widths(coarse).max() <= 0.2
    assert half_widths(fine).max() <= 0.1
    assert coarse.quality.rows < fine.quality.rows < 4000
    never = explain(numeric(row), tolerance=1e-6)
    assert never.quality.stopped == "budget"


def test_a_further_question_asks_for_most_of_what_the_width_calls_for() -> None:
    rounds = Rounds(variances(np.arange(1000) % 10), telling=100, tolerance=0.1)
    assert rounds.first() == 100
    assert rounds.upto(200, widest=0.11, question=1) == 200 + 30
    assert rounds.upto(200, widest=0.2, question=1) == 200 + 50
    assert rounds.upto(200, widest=0.2, question=5) == 200 + 250
    assert rounds.upto(200, widest=0.101, question=1) == 206
    assert rounds.upto(200, widest=0.101, question=4) == 250
    assert Rounds(rounds.variance, 100, None).upto(126, widest=9.0, question=1) == 1000


def test_the_variance_after_each_draw_is_that_of_the_mean_of_means() -> None:
    drawn = np.random.default_rng(0).integers(0, 7, 60)
    expected = [per_unit_variance(drawn[: upto + 1]) for upto in range(60)]
    np.testing.assert_allclose(variances(drawn), expected, rtol=1e-12)


def test_what_is_known_is_shown_with_shrinking_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    watching = Watching()
    monkeypatch.setattr(Asking, "show", lambda _asking, partial: watching.show(partial))
    rng = np.random.default_rng(6)
    explain = shapley(curved, rng.normal(size=(20, 8)), budget=2000)
    last = explain(numeric(rng.normal(size=(1, 8))))
    assert len(watching.seen) == 2
    widths = [half_widths(one).max() for one in watching.seen]
    assert widths[1] < widths[0]
    assert watching.seen[-1].content == last.content


def test_past_the_deadline_it_tells_what_it_has() -> None:
    rng = np.random.default_rng(7)
    background, calls = rng.normal(size=(20, 8)), [0]

    def late(rows: Columns) -> Columns:
        calls[0] += 1
        if calls[0] > 1:
            raise OutOfTime("too late")
        return Columns((Column("y", curved(matrix(rows))),))

    explain = explainer(FunctionPredictor(late), numeric(background), budget=2000)
    told = explain(numeric(rng.normal(size=(1, 8))))
    assert told.quality.stopped == "deadline"
    assert isinstance(told.content, Attributions)
    assert abs(told.content.additivity_gap or 0) < 1e-9


def test_a_lone_player_has_all_that_there_is() -> None:
    background = np.array([[1.0, 2.0], [3.0, 2.0]])
    told = attributions(
        shapley(lambda table: table[:, 0] ** 2, background)(numeric(2 * np.ones((1, 2))))
    )
    assert [one.contribution for one in told.attributions] == [-1.0, 0.0]
    assert told.estimator == "exact"
