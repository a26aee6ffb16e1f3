"""Errors of Shapley values with a proxy learnt from other explanations, beside cold ones.

The proxy learns from `WARMING` explanations of other rows with `BOUGHT` rows each; what these cost
is printed with it. Error and coverage as in `benchmarks.shapley`, for the background that each
budget pays for. Run: ``python -m benchmarks.proxy_shapley``.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks._shapley_games import BenchmarkGame, Floats, games
from benchmarks.shapley import error, named, values
from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.config.settings import ModelSettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.models import explained
from sidelight_explainers.shapley.opening import OfTables
from sidelight_explainers.subject import Subject

WARMING, BOUGHT = 12, 2048
EXPLAINED, SEEDS = 2, 3
BUDGETS = (1_000, 2_000, 10_000)


@dataclass
class Found:
    """Of several explanations: errors, shares of intervals that hold the truth, coefficients, CPU
    seconds."""

    errors: list[float] = field(default_factory=list)
    covered: list[float] = field(default_factory=list)
    coefficients: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Warmed:
    """A game whose explanations have been learnt from."""

    def __init__(self, game: BenchmarkGame) -> None:
        self.game = game
        self.settings = ShapleySettings(max_budget=1 << 20, deadline_seconds=500, proxy=True)
        model = ModelSettings(explainers=ModelExplainers(shapley=self.settings))
        reference = named(game.background)
        subject = Subject("m", model, reference.names, reference, reference)
        self.model = explained(subject, FunctionPredictor(self._answer))
        explainer = self.model.methods["shapley"].explainer
        assert isinstance(explainer, OfTables)
        assert explainer.proxies is not None
        self.explainer, self.learning = explainer, explainer.proxies.learning
        self.paid = sum(self._bought(row) for row in range(EXPLAINED, len(game.rows)))

    def found(self, proxy: bool, budget: int) -> Found:
        told = Found()
        for row in range(EXPLAINED):
            for seed in range(SEEDS):
                self._add(told, row, proxy=proxy, budget=budget, seed=seed)
        return told

    def _add(self, told: Found, row: int, **options: Any) -> None:
        started = time.process_time()
        answer = self._explained(row, **options)
        told.seconds.append(time.process_time() - started)
        content = answer.content
        assert isinstance(content, Attributions)
        used = self.explainer.background.first(content.background_rows)
        truth = self.game.truth(self.game.rows[row], _matrix(used))
        found, half = values(answer)
        live = np.abs(truth) > 1e-9
        told.errors.append(error(found, truth))
        told.covered.append(float((np.abs(found - truth) <= half)[live].mean()))
        told.coefficients += dict(content.facts).get("proxy", {}).get("coefficients", [])

    def _bought(self, row: int) -> int:
        rows = int(self._explained(row, proxy=False, budget=BOUGHT).quality.rows)
        self.learning.settle()
        return rows

    def _explained(self, row: int, **options: Any) -> Any:
        told = self.settings.overridden(options)
        return self.model.explain("shapley", told, named(self.game.rows[[row]]))

    def _answer(self, rows: Columns) -> Columns:
        return Columns((Column("y", self.game.predict(_matrix(rows))),))


def _matrix(rows: Columns) -> Floats:
    return np.column_stack([one.values for one in rows])


def main() -> None:
    print(f"{'game':24} {'rows':>6} {'learnt from':>11} {'cold':>8} {'warm':>8} {'ratio':>6}"
          f" {'coefficient':>11} {'covered':>13} {'CPU ms':>9}")  # fmt: skip
    for game in games(EXPLAINED + WARMING):
        warmed = Warmed(game)
        for budget in BUDGETS:
            cold, warm = warmed.found(False, budget), warmed.found(True, budget)
            one, two = statistics.median(cold.errors), statistics.median(warm.errors)
            used = statistics.median(warm.coefficients) if warm.coefficients else 0.0
            covered = f"{np.mean(cold.covered):.3f} {np.mean(warm.covered):.3f}"
            cpu = f"{np.mean(cold.seconds) * 1e3:.0f} {np.mean(warm.seconds) * 1e3:.0f}"
            print(f"{game.name:24} {budget:6} {warmed.paid:11} {one:8.1e} {two:8.1e}"
                  f" {one / two:6.2f} {used:11.2f} {covered:>13} {cpu:>9}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
