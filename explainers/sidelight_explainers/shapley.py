"""Shapley values of one row: plan the rows, ask the predictor once, do the sums."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight.config.settings import ShapleySettings
from sidelight.errors import DataMismatch
from sidelight.predictors.contract import Predictor
from sidelight.predictors.spending import spending
from sidelight.tensors import Columns
from sidelight_explainers.background import Background
from sidelight_explainers.blend import Blend, Distinct, blend
from sidelight_explainers.contract import Wish
from sidelight_explainers.enumeration import Enumeration
from sidelight_explainers.explanation import Attribution, Explanation, json_value
from sidelight_explainers.outputs import Output, choose_output
from sidelight_explainers.permutations import Chains, random_chains

REPEATS = 2
"""Rows planned for each row of the budget: what is planned twice is asked only once."""


@dataclass(frozen=True)
class Shapley:
    """Interventional Shapley values of one output of a model that can only be asked.

    Absent features take their values from background rows, all from one row at a time (Lundberg &
    Lee, NeurIPS 2017, with the marginal expectation). All coalitions are asked when they fit the
    budget, random orders of the features otherwise. A budget of r rows and n features uses the
    first ``(r - 2) // n`` background rows, whatever the row, so that explanations share one base.
    """

    model: str
    predictor: Predictor
    background: Background
    settings: ShapleySettings
    output: str | None = None

    def __call__(self, row: Columns, wish: Wish) -> Explanation:
        started = time.perf_counter()
        budget = self.settings.budget if wish.budget is None else wish.budget
        seed = self.settings.seed if wish.seed is None else wish.seed
        background = self.background.first(background_rows(len(self.background.rows.names), budget))
        mix = blend(row.select(background.names), background)
        plan, needed = _plan(mix, budget, np.random.default_rng(seed))
        with spending() as spent:
            answer = self.predictor(_questions(mix, needed))
        output = choose_output(answer, wish.output or self.output)
        sums = _sums(plan, needed, output)
        return Explanation(
            model=self.model,
            method="shapley",
            estimator="exact" if isinstance(plan, Enumeration) else "permutation",
            output=output.name,
            base_value=sums.base,
            prediction=float(output.values[0]),
            attributions=_attributions(mix, sums.contributions),
            additivity_gap=sums.gap,
            stopped="accurate" if isinstance(plan, Enumeration) else "budget",
            budget=budget,
            seed=seed,
            rows=spent.rows,
            calls=spent.calls,
            background_rows=mix.size,
            reference_rows=self.background.reference_rows,
            seconds=time.perf_counter() - started,
        )


def background_rows(features: int, budget: int) -> int:
    """How many background rows a budget pays for; `DataMismatch` when not even one."""
    affordable = (budget - 2) // max(features, 1)
    if affordable < 1:
        raise DataMismatch(
            f"a budget of {budget} rows is too small for {features} features; set at least"
            f" {features + 2}"
        )
    return affordable


def _plan(mix: Blend, budget: int, rng: Generator) -> tuple[Enumeration | Chains, Distinct]:
    players = len(mix.players)
    if mix.size * ((1 << players) - 1) + 2 <= budget:
        everything = Enumeration(players, mix.size)
        return everything, mix.distinct(*everything.coalitions())
    chains = random_chains(players, mix.size, REPEATS * budget // (players + 1), rng)
    asked = mix.distinct(*chains.coalitions())
    new = np.bincount(asked.first // (players + 1), minlength=len(chains))
    affordable = chains.first(int(np.searchsorted(np.cumsum(new), budget - 1, side="right")))
    return affordable, mix.distinct(*affordable.coalitions())


def _questions(mix: Blend, needed: Distinct) -> Columns:
    """The explained row, and every row needed; the first shows whether the predictor is steady."""
    explained = np.full((1, mix.codes.shape[1]), mix.size, np.int32)
    return mix.rows(np.concatenate([explained, needed.sources[needed.first]]))


@dataclass(frozen=True, eq=False)
class _Sums:
    """`contributions` (m, p) by background row, their mean base, and the additivity gap."""

    contributions: NDArray[np.float64]
    base: float
    gap: float


def _sums(plan: Enumeration | Chains, needed: Distinct, output: Output) -> _Sums:
    outputs = output.values[1:][needed.inverse]
    contributions = plan.contributions(outputs)
    base = float(plan.baselines(outputs).mean())
    gap = base + float(contributions.mean(axis=0).sum()) - float(output.values[0])
    return _Sums(contributions, base, gap)


def _attributions(mix: Blend, contributions: NDArray[np.float64]) -> tuple[Attribution, ...]:
    features = mix.codes.shape[1]
    full = np.zeros((mix.size, features))
    full[:, mix.players] = contributions
    means = full.mean(axis=0)
    many = mix.size > 1
    errors = full.std(axis=0, ddof=1) / math.sqrt(mix.size) if many else np.zeros(features)
    return tuple(
        Attribution(
            column.name,
            json_value(column, mix.size),
            float(means[at]),
            float(errors[at]) if many else None,
        )
        for at, column in enumerate(mix.palette)
    )
