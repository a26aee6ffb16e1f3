"""Models that alibi explains in the environment where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.settings import ModelSettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import Watcher, unwatched
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained, explained
from sidelight_explainers.subject import Subject
from sidelight_explainers.wishes import wish
from tests.explainers.games import numeric
from tests.explainers.serving import Floats, matrix
from tests.peers import peer_python

WEIGHTS = np.array([2.0, -1.0, 0.0])


def probability(rows: Columns) -> Columns:
    """Of no and yes: logistic in three numbers, of which the last does not matter."""
    yes = 1 / (1 + np.exp(-matrix(rows) @ WEIGHTS))
    return Columns((Column("p", np.stack([1 - yes, yes], axis=1)),))


def table(rows: int = 200) -> Floats:
    return np.random.default_rng(1).normal(size=(rows, 3))


def alibi_model(
    methods: Mapping[str, Mapping[str, Any]],
    function: Callable[[Columns], Columns] = probability,
    truth: Columns | None = None,
    **model: Any,
) -> Explained:
    """A model whose explainers are alibi's, by name, each with its settings."""
    python = str(peer_python("alibi"))
    told = {name: {"python": python, **settings} for name, settings in methods.items()}
    settings = ModelSettings.model_validate(model)
    settings = settings.model_copy(
        update={"explainers": ModelExplainers.model_validate({"alibi": told})}
    )
    reference = None if settings.features else numeric(table())
    names = tuple(settings.features) or numeric(table()).names
    whole = Columns((*(reference or ()), *(truth or ())))
    subject = Subject("m", settings, names, reference, whole)
    return explained(subject, FunctionPredictor(function))


def explain(
    model: Explained, name: str, rows: Columns, watcher: Watcher = unwatched, **wishes: Any
) -> Explanation:
    asked = wish(model, {"method": f"alibi.{name}", **wishes}, "")
    return model.explain(asked.method, asked.options, rows, watcher)
