"""Evaluates one explanation of one model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.asking import Asking
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.evaluation.amounts import amounts
from sidelight_explainers.evaluation.infidelity import Infidelity, infidelity
from sidelight_explainers.evaluation.neighbours import neighbours
from sidelight_explainers.evaluation.removing import Removal, removal
from sidelight_explainers.evaluation.stability import Stability, max_sensitivity, stability
from sidelight_explainers.evaluation.worth import Floats, Worth
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.games.game import Game
from sidelight_explainers.games.opening import open_games
from sidelight_explainers.games.tabular import TabularGame
from sidelight_explainers.models import Explained
from sidelight_explainers.wishes import Wish

BACKGROUND = 20
"""Reference rows that stand in for players taken away, where the explanation had none."""
SEEDS = 4
"""Further explanations of the same row."""
CLOSE_BY = 6
"""Explanations of rows close by."""
SECONDS = 600.0
BUDGET = 1 << 30
"""An evaluation asks what it needs; its size is fixed by the numbers above."""


@dataclass(frozen=True)
class Evaluation:
    """How good one explanation is. `rows` and `calls` were asked for it, further explanations
    included. `max_sensitivity` is None where rows close by are not defined: texts, pictures,
    categories alone."""

    removal: Removal
    infidelity: Infidelity
    stability: Stability
    max_sensitivity: float | None
    rows: int
    calls: int

    def to_json(self) -> dict[str, Any]:
        return {
            "deletion_auc": self.removal.deletion,
            "insertion_auc": self.removal.insertion,
            "random_auc": self.removal.random,
            "infidelity": self.infidelity.error,
            "infidelity_share": self.infidelity.share,
            "seed_spread": self.stability.spread,
            "seed_top_overlap": self.stability.top,
            "max_sensitivity": self.max_sensitivity,
            "rows": self.rows,
            "calls": self.calls,
        }


def evaluate(model: Explained, asked: Wish, row: Columns, found: Explanation) -> Evaluation:
    """Of an explanation of that row, found as asked.

    Raises `DataMismatch` for one without attributions, and what explainers raise.
    """
    content = _attributions(found)
    game = _game(model, asked, row, content.background_rows or BACKGROUND)
    told = amounts(content, game)
    asking = Asking(model.predictor, BUDGET, SECONDS)
    worth = Worth(game, asking, content.output)
    random = np.random.default_rng(asked.options.seed)
    removed, fidelity = removal(worth, told, random), infidelity(worth, told, random)
    seeds = [_again(model, asked, row, content.output, more) for more in range(1, SEEDS + 1)]
    close = [_again(model, asked, one, content.output) for one in _close_by(model, row, random)]
    spent = [asking.quality("accurate"), *(one.quality for one in (*seeds, *close))]
    return Evaluation(
        removed,
        fidelity,
        stability([_shares(one) for one in (found, *seeds)]),
        max_sensitivity(_shares(found), [_shares(one) for one in close]),
        sum(one.rows for one in spent),
        sum(one.calls for one in spent),
    )


def _attributions(found: Explanation) -> Attributions:
    if not isinstance(found.content, Attributions):
        raise DataMismatch(
            f"--evaluate measures amounts of features, words or regions; {found.method} gives"
            f" {found.content.kind}"
        )
    return found.content


def _shares(found: Explanation) -> Floats:
    return np.array([one.contribution for one in _attributions(found).attributions])


def _game(model: Explained, asked: Wish, row: Columns, size: int) -> Game:
    """That the explanation was about, against the same background."""
    options = asked.options
    if model.subject.modality != "tabular":
        return open_games(model.subject, options)(row, options)
    configured = model.methods[asked.method].settings
    if not isinstance(configured, ShapleySettings) or not isinstance(options, ShapleySettings):
        return TabularGame.of(row, model.subject.background(size, options.seed).rows)
    background = model.subject.background(configured.background, configured.seed)
    return TabularGame.of(row, background.first(size), options.groups)


def _again(model: Explained, asked: Wish, row: Columns, output: str, more: int = 0) -> Explanation:
    told = {"seed": asked.options.seed + more, "output": output}
    return model.explain(asked.method, asked.options.overridden(told), row)


def _close_by(model: Explained, row: Columns, random: np.random.Generator) -> Iterator[Columns]:
    if model.subject.modality == "tabular":
        features = row.select(model.subject.features)
        yield from neighbours(features, model.subject.rows(), CLOSE_BY, random)
