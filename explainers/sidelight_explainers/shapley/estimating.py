"""Shapley values of one game: plan the rows, ask the predictor, do the sums."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.errors import DataMismatch
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.games.game import Game
from sidelight_explainers.outputs import choose_output
from sidelight_explainers.quality import Stopped
from sidelight_explainers.shapley.distinct import Distinct, distinct, questions
from sidelight_explainers.shapley.enumeration import Enumeration
from sidelight_explainers.shapley.permutations import Chains, random_chains

REPEATS = 2
"""Rows planned for each row of the budget: what is planned twice is asked only once."""


@dataclass(frozen=True)
class Estimate:
    """The content, and why no more was asked."""

    content: Attributions
    stopped: Stopped


def estimate(
    game: Game, options: ShapleySettings, output: str | None, reference_rows: int, inquiry: Inquiry
) -> Estimate:
    """Interventional Shapley values of one output of a model that can only be asked.

    Absent players take their values from one background at a time (Lundberg & Lee, NeurIPS 2017,
    with the marginal expectation). All coalitions are asked when they fit the budget, random
    orders of the players otherwise.
    """
    rng = np.random.default_rng(options.seed)
    plan, needed = _plan(game, inquiry.left, rng)
    answer = inquiry.ask(questions(game, needed, *plan.coalitions()))
    values = choose_output(answer, output)
    outputs = values.values[1:][needed.inverse]
    contributions = plan.contributions(outputs)
    means = contributions.mean(axis=0)
    exact = isinstance(plan, Enumeration)
    half = np.zeros_like(means) if exact else _half_widths(contributions)
    base, prediction = float(plan.baselines(outputs).mean()), float(values.values[0])
    content = Attributions(
        output=values.name,
        base_value=base,
        prediction=prediction,
        attributions=game.attributions(means, means - half, means + half),
        estimator="exact" if exact else "permutation",
        additivity_gap=base + float(means.sum()) - prediction,
        interval="exact" if exact else "reliable",
        background_rows=game.size,
        reference_rows=reference_rows,
        layout=game.layout(),
    )
    return Estimate(content, "accurate" if exact else "budget")


def background_rows(features: int, budget: int) -> int:
    """How many background rows a budget pays for; `DataMismatch` when not even one."""
    affordable = (budget - 2) // max(features, 1)
    if affordable < 1:
        raise DataMismatch(
            f"a budget of {budget} rows is too small for {features} features; set at least"
            f" {features + 2}"
        )
    return affordable


def _plan(game: Game, budget: int, rng: Generator) -> tuple[Enumeration | Chains, Distinct]:
    players = game.players
    if game.size * ((1 << min(players, 62)) - 1) + 2 <= budget:
        everything = Enumeration(players, game.size)
        return everything, distinct(game, *everything.coalitions())
    chains = random_chains(players, game.size, REPEATS * budget // (players + 1), rng)
    asked = distinct(game, *chains.coalitions())
    new = np.bincount(asked.first // (players + 1), minlength=len(chains))
    affordable = chains.first(int(np.searchsorted(np.cumsum(new), budget - 1, side="right")))
    return affordable, distinct(game, *affordable.coalitions())


def _half_widths(contributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of 95 % intervals, as though the background rows were the sample."""
    rows = len(contributions)
    if rows < 2:
        return np.full(contributions.shape[1], np.inf)
    return np.asarray(1.96 * contributions.std(axis=0, ddof=1) / math.sqrt(rows))
