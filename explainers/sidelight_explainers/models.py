"""The models of a configuration, each with what explains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sidelight.config.settings import ModelSettings, Settings, ShapleySettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.predictors.opening import open_predictor
from sidelight.probes import Mark, mark_of
from sidelight.tensors import Columns
from sidelight_explainers.background import read_background
from sidelight_explainers.contract import Explainer
from sidelight_explainers.shapley import Shapley, background_rows

PURPOSE = "explain"
"""What is said with each question to a model server."""


@dataclass(frozen=True)
class Explained:
    """A model that can be explained, and a row of its reference as an example.

    `max_budget` bounds what a request may ask for; `close` frees the predictor's connections.
    """

    name: str
    explainer: Explainer
    example: Columns
    max_budget: int
    close: Callable[[], None]


def open_models(settings: Settings) -> dict[str, Explained | None]:
    """Every model of the file by name, None for one without explainer; no predictor is asked."""
    return {
        name: open_model(
            name, model, model.explainers.shapley, mark_of(settings, model.predictor, PURPOSE)
        )
        if model.explainers.shapley
        else None
        for name, model in settings.models.items()
    }


def open_model(
    name: str, settings: ModelSettings, shapley: ShapleySettings, mark: Mark | None = None
) -> Explained:
    """One model of the file, asked with this mark. Raises `ConfigError`, `ArtifactError`."""
    if settings.predictor is None:
        raise ConfigError(
            f"models.{name}.explainers needs models.{name}.predictor: a url or a model"
        )
    background = read_background(name, settings, shapley.background, shapley.seed)
    features = background.rows.names
    try:
        background_rows(len(features), shapley.budget)
    except DataMismatch as exc:
        raise ConfigError(f"models.{name}.explainers.shapley.budget: {exc}") from exc
    predictor = open_predictor(name, settings.predictor, features, mark)
    explainer = Shapley(name, predictor, background, shapley, settings.predictor.output)
    return Explained(name, explainer, background.first(1), shapley.max_budget, predictor.close)
