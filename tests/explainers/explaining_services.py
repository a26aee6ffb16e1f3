"""The explain service over stand-in models, on a free loopback port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import httpx
import numpy as np

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.explaining.service import ExplainersSettings
from sidelight.config.settings import LogSettings, ModelSettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Columns
from sidelight_explainers import models
from sidelight_explainers.models import Explained
from sidelight_explainers.service.app import create_app
from sidelight_explainers.subject import Subject
from tests.explainers.games import numeric
from tests.explainers.serving import score, served

BACKGROUND = np.random.default_rng(0).normal(size=(20, 3))
ROW = {"f0": 1.0, "f1": -0.5, "f2": 2.0}
V1 = "/v1/models/m:explain"
V2 = "/v2/models/m/explain"


def model(answer: Callable[[Columns], Columns] = score, **methods: Mapping[str, Any]) -> Explained:
    """A model of three numbers with these methods (Shapley values without any)."""
    told = ModelSettings(explainers=ModelExplainers.model_validate(methods or {"shapley": {}}))
    rows = numeric(BACKGROUND)
    subject = Subject("m", told, rows.names, rows, rows)
    return models.explained(subject, FunctionPredictor(answer))


@contextmanager
def service(
    explained: Explained, log: LogSettings | None = None, **settings: Any
) -> Iterator[httpx.Client]:
    """A client of the service with that model; it is not warmed up unless the settings say so."""
    told = ExplainersSettings.model_validate({"warm_up": False, **settings})
    app = create_app({"m": explained}, told, log)
    with served(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


@dataclass
class Held:
    """A model that answers when it is let go; `asked` tells that it was asked."""

    asked: Event = field(default_factory=Event)
    go: Event = field(default_factory=Event)
    calls: int = 0

    def __call__(self, rows: Columns) -> Columns:
        self.calls += 1
        self.asked.set()
        assert self.go.wait(30)
        return score(rows)
