"""Small models and exact answers to hold explanations to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial

import numpy as np

from sidelight.config.settings import ShapleySettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.background import Background
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.shapley import Shapley
from tests.explainers.serving import Floats, matrix


def numeric(table: Floats) -> Columns:
    """Columns f0, f1, ... of a table (n, k)."""
    return Columns(tuple(Column(f"f{at}", table[:, at]) for at in range(table.shape[1])))


def predictor(function: Callable[[Floats], Floats]) -> FunctionPredictor:
    """A predictor from a function of a table (n, k) to (n,) or (n, outputs)."""
    return FunctionPredictor(lambda rows: Columns((Column("y", function(matrix(rows))),)))


def shapley(
    function: Callable[[Floats], Floats], background: Floats, settings: ShapleySettings
) -> Shapley:
    rows = Background(numeric(background), len(background))
    return Shapley("m", predictor(function), rows, settings)


def contributions(explanation: Explanation) -> Floats:
    return np.array([one.contribution for one in explanation.attributions])


def enumerated(function: Callable[[Floats], Floats], row: Floats, background: Floats) -> Floats:
    """Shapley values by their definition: every coalition, against every background row."""
    players = len(row)

    def worth(coalition: tuple[int, ...]) -> float:
        blended = background.copy()
        blended[:, list(coalition)] = row[list(coalition)]
        return float(function(blended).mean())

    values = np.zeros(players)
    for player in range(players):
        others = [one for one in range(players) if one != player]
        for size in range(players):
            weight = factorial(size) * factorial(players - size - 1) / factorial(players)
            for without in combinations(others, size):
                values[player] += weight * (worth((*without, player)) - worth(without))
    return values
