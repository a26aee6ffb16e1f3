"""Each method explains one row for nobody, so that no request pays for what happens only once.

The model is not asked: something that answers like one is, so the service gets ready while its
predictors are down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import structlog

from sidelight.errors import SidelightError
from sidelight.predictors.caching import RowCache
from sidelight.predictors.coalescing import Coalescing
from sidelight.predictors.sharing import SharedPredictor
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns, split_index
from sidelight_explainers.asking import Asking, Watcher
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained, OpenMethod

SECONDS = 15.0
"""No method is warmed longer."""
BUDGET = 2048
"""Rows; enough for most methods to run through all of their parts."""
TEXT = "A few words. And a few words more."


@dataclass
class Readiness:
    """Whether the methods are warm."""

    ready: bool = False


def warm_up(
    models: Mapping[str, Explained | None], is_enough: Callable[[], bool] = lambda: False
) -> None:
    """Explain one row by every method of every model, and draw one explanation of each kind; until
    it `is_enough`."""
    drawn: set[str] = set()
    watcher = _Impatient(is_enough)
    for model in filter(None, models.values()):
        for name, method in model.methods.items():
            if is_enough():
                return
            told = _explained(model, name, method, watcher)
            if told is not None and told.content.kind not in drawn:
                drawn.add(told.content.kind)
                _draw(told)


def _explained(
    model: Explained, name: str, method: OpenMethod, watcher: Watcher
) -> Explanation | None:
    rows = model.example or _made_up(model)
    try:
        return _explanation(model, method, rows, watcher)
    except SidelightError:
        return None  # a method may well not like these answers
    except Exception:  # the edge: a service that explains by its other methods is not to stay away
        structlog.get_logger("sidelight.explainers").exception(
            "warm-up failed", model=model.name, method=name
        )
        return None


def _explanation(
    model: Explained, method: OpenMethod, rows: Columns, watcher: Watcher
) -> Explanation:
    told = method.settings
    seconds = min(SECONDS, told.deadline_seconds)
    options = told.overridden({"budget": min(BUDGET, told.budget), "deadline_seconds": seconds})
    predictor = FunctionPredictor(_Stand(model.subject.output(options)))
    shared = SharedPredictor(Coalescing(predictor), RowCache())
    try:
        return method.explainer(rows, options, Asking(shared, options.budget, seconds, watcher))
    finally:
        shared.close()


@dataclass(frozen=True)
class _Impatient:
    """Nobody looks; and leaves when it is enough."""

    gone: Callable[[], bool]

    def show(self, partial: Explanation) -> None:
        """Nobody looks."""


def _draw(explanation: Explanation) -> None:
    from sidelight_explainers.pictures.rendering import PictureKind, render

    for kind in get_args(PictureKind):
        render(explanation, kind)


@dataclass(frozen=True)
class _Stand:
    """Stands for the model: two probabilities a row (more where a later output is explained)."""

    output: str | None

    def __call__(self, rows: Columns) -> Columns:
        name, index = split_index(self.output) if self.output else ("probability", 1)
        width = max(2, (index or 0) + 1)
        chances = np.random.default_rng(0).dirichlet(np.ones(width), len(rows))
        return Columns((Column(name, chances),))


def _made_up(model: Explained) -> Columns:
    """A row where no reference has one; without rows where nothing is known of its form."""
    names = model.subject.features
    if model.subject.modality != "text":
        return Columns(())
    return Columns(tuple(Column(name, np.array([TEXT], dtype=object)) for name in names))
