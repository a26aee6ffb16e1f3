"""The models of a configuration, each with what explains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sidelight.config.explaining.method import MethodSettings
from sidelight.config.settings import LogSettings, ModelSettings, PredictorSettings, Settings
from sidelight.errors import ConfigError
from sidelight.predictors.caching import RowCache
from sidelight.predictors.coalescing import Coalescing
from sidelight.predictors.contract import Predictor
from sidelight.predictors.opening import open_predictor
from sidelight.predictors.sharing import SharedPredictor
from sidelight.probes import Mark, mark_of
from sidelight.tensors import Columns
from sidelight_explainers.asking import Asking, ModelChanged, Watcher, unwatched
from sidelight_explainers.contract import Explainer
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.methods import open_explainer
from sidelight_explainers.reference.reading import read_subject
from sidelight_explainers.subject import Subject

PURPOSE = "explain"
"""What is said with each question to a model server."""


@dataclass(frozen=True)
class OpenMethod:
    """A method opened for one model, with the options that the configuration gives it."""

    settings: MethodSettings
    explainer: Explainer[Any]


@dataclass(frozen=True)
class Explained:
    """A model that can be explained.

    `methods` by the name that requests use, the first being the default. `close` frees the
    predictor's connections, and all that waits for them fails. `predictor.sent` counts what really
    went to the model server, each call once however many explanations it served.
    """

    subject: Subject
    predictor: SharedPredictor
    methods: Mapping[str, OpenMethod]
    close: Callable[[], None]

    @property
    def name(self) -> str:
        return self.subject.name

    @property
    def example(self) -> Columns:
        """A row of the reference; without rows where there is none."""
        rows = self.subject.reference
        return Columns(()) if rows is None else rows.take(slice(1))

    def explain(
        self, method: str, options: MethodSettings, rows: Columns, watcher: Watcher = unwatched
    ) -> Explanation:
        """One explanation by the method of that name; raises what explainers raise."""
        asking = Asking(self.predictor, options.budget, options.deadline_seconds, watcher)
        explainer = self.methods[method].explainer
        try:
            return explainer(rows, options, asking)
        except ModelChanged:
            return explainer(rows, options, asking.anew())


def open_models(settings: Settings) -> dict[str, Explained | None]:
    """Every model of the file by name, None for one without explainer; no predictor is asked."""
    return {
        name: open_model(name, model, mark_of(settings, model.predictor, PURPOSE), settings.log)
        if any(model.explainers.methods())
        else None
        for name, model in settings.models.items()
    }


def open_model(
    name: str, settings: ModelSettings, mark: Mark | None = None, log: LogSettings | None = None
) -> Explained:
    """One model of the file, asked with this mark; `log` is read where its explainers look at
    recent traffic. Raises `ConfigError`, `ArtifactError`, `LogError`."""
    if settings.predictor is None:
        raise ConfigError(
            f"models.{name}.explainers needs models.{name}.predictor: a url or a model"
        )
    subject = read_subject(name, settings, log)
    methods = _methods(subject)
    predictor = _opened(name, settings.predictor, subject.features, mark)
    return Explained(subject, predictor, methods, predictor.close)


def explained(subject: Subject, predictor: Predictor) -> Explained:
    """A model that is asked by any predictor, such as a function of one's own; no answer of it is
    kept for another explanation."""
    asked = SharedPredictor(Coalescing(predictor), RowCache())
    return Explained(subject, asked, _methods(subject), asked.close)


def _opened(
    name: str, settings: PredictorSettings, features: tuple[str, ...], mark: Mark | None
) -> SharedPredictor:
    predictor = open_predictor(name, settings, features, mark)
    merged = Coalescing(predictor, settings.max_batch_rows, settings.max_in_flight)
    return SharedPredictor(merged, RowCache(settings.cache_bytes, settings.cache_seconds))


def _methods(subject: Subject) -> dict[str, OpenMethod]:
    return {
        name: OpenMethod(told, open_explainer(subject, name, told))
        for name, told in subject.settings.explainers.methods()
    }
