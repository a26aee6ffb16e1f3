"""Small models and exact answers to hold explanations to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import factorial
from typing import Any, Protocol

import numpy as np

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.settings import ModelSettings
from sidelight.predictors.contract import Predictor
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import explained
from sidelight_explainers.subject import Subject
from sidelight_explainers.wishes import wish
from tests.explainers.serving import Floats, matrix


def numeric(table: Floats) -> Columns:
    """Columns f0, f1, ... of a table (n, k)."""
    return Columns(tuple(Column(f"f{at}", table[:, at]) for at in range(table.shape[1])))


def predictor(function: Callable[[Floats], Floats]) -> FunctionPredictor:
    """A predictor from a function of a table (n, k) to (n,) or (n, outputs)."""
    return FunctionPredictor(lambda rows: Columns((Column("y", function(matrix(rows))),)))


class Explain(Protocol):
    def __call__(self, row: Columns, **wishes: Any) -> Explanation: ...


def explainer(
    predictor: Predictor, reference: Columns, method: str = "shapley", **options: Any
) -> Explain:
    """``explain(row, **wishes)``: one method of a model whose features are the reference's."""
    settings = ModelSettings(explainers=ModelExplainers.model_validate({method: options}))
    model = explained(Subject("m", settings, reference.names, reference, reference), predictor)

    def explain(row: Columns, **wishes: Any) -> Explanation:
        asked = wish(model, wishes, "")
        return model.explain(asked.method, asked.options, row)

    return explain


def shapley(function: Callable[[Floats], Floats], background: Floats, **options: Any) -> Explain:
    return explainer(predictor(function), numeric(background), **options)


def attributions(explanation: Explanation) -> Attributions:
    assert isinstance(explanation.content, Attributions)
    return explanation.content


def contributions(explanation: Explanation) -> Floats:
    return np.array([one.contribution for one in attributions(explanation).attributions])


def half_widths(explanation: Explanation) -> Floats:
    """Of the intervals; NaN where there is none."""
    told = [(one.low, one.high) for one in attributions(explanation).attributions]
    return np.array([np.nan if a is None or b is None else (b - a) / 2 for a, b in told])


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
