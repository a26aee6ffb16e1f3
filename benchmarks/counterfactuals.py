"""What counterfactuals cost, and how small their changes are beside the nearest unlike neighbour's.

The models and rows of `benchmarks.anchors`, in this process. The neighbour is the reference row
nearest to the explained one that is decided differently: a counterfactual by itself, and where the
search starts. Run: ``python -m benchmarks.counterfactuals``.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from benchmarks._decided_models import Floats, Game, games, matrix, named
from sidelight.config.settings import ModelSettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.counterfactual import Counterfactual, Counterfactuals
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import explained
from sidelight_explainers.subject import Subject

ROWS = 20


def measured(game: Game) -> list[tuple[Explanation, float]]:
    """Each row's explanation and its seconds."""
    settings = ModelSettings.model_validate({"explainers": {"counterfactual": {}}})
    rows = named(game.reference)
    answer = FunctionPredictor(
        lambda asked: Columns((Column("p", game.probabilities(matrix(asked))),))
    )
    model = explained(Subject("m", settings, rows.names, rows, rows), answer)
    options, found = model.methods["counterfactual"].settings, []
    for row in game.rows:
        started = time.perf_counter()
        explanation = model.explain("counterfactual", options, named(row[None]))
        found.append((explanation, time.perf_counter() - started))
    return found


def neighbour(game: Game, row: Floats) -> tuple[int, float]:
    """Changed features and distance of the nearest reference row that is decided differently."""
    spreads = np.abs(game.reference - np.median(game.reference, axis=0)).mean(axis=0)
    unlike = game.reference[game.decide(game.reference) != game.decide(row[None])]
    gaps = np.abs(unlike - row) / spreads
    nearest = gaps[gaps.sum(axis=1).argmin()]
    return int((nearest > 0).sum()), float(nearest.sum())


def line(game: Game) -> str:
    told = measured(game)
    nearest: list[Counterfactual] = []
    for explanation, _ in told:
        content = explanation.content
        assert isinstance(content, Counterfactuals)
        nearest.extend(content.counterfactuals[:1])
    beside = [neighbour(game, row) for row in game.rows]
    spent = [explanation.quality for explanation, _ in told]
    median = statistics.median
    return (
        f"{game.name:<18}{median(one.calls for one in spent):>6.0f}"
        f"{max(one.calls for one in spent):>6}{median(one.rows for one in spent):>7.0f}"
        f"{median(seconds for _, seconds in told):>8.3f}{len(nearest) / len(told):>7.0%}"
        f"{median(len(one.changes) for one in nearest):>9.1f}"
        f"{median(one.distance for one in nearest):>10.1f}"
        f"{median(count for count, _ in beside):>9.1f}{median(apart for _, apart in beside):>10.1f}"
    )


def main() -> None:
    print(f"{ROWS} rows each, medians; changes and distance of the nearest, then of the neighbour")
    print(
        f"{'':<18}{'calls':>6}{'most':>6}{'rows':>7}{'s':>8}{'found':>7}{'changes':>9}"
        f"{'distance':>10}{'changes':>9}{'distance':>10}"
    )
    for game in games(ROWS):
        print(line(game), flush=True)


if __name__ == "__main__":
    main()
