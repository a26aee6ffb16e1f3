"""From a request's body to its explanations; what both protocols share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Request

from sidelight.config.explaining.service import ExplainersSettings
from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.protocols.limits import Limits
from sidelight.serving.refusals import UnknownModel
from sidelight.serving.workers import Workers
from sidelight.tensors import Columns
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained
from sidelight_explainers.service.metrics import UNKNOWN, Metrics
from sidelight_explainers.service.refusals import NoExplainer
from sidelight_explainers.service.requests import read_request, read_wish
from sidelight_explainers.wishes import Wish


@dataclass(frozen=True)
class Asked:
    """A decoded request: its rows, and its parameters as V2 has them."""

    rows: Columns
    parameters: Mapping[str, Any]


Decode = Callable[[bytes, Limits], Asked]


@dataclass(frozen=True)
class Answered:
    """A request and an explanation for each of its rows, in order."""

    asked: Asked
    explanations: Sequence[Explanation]


@dataclass(frozen=True)
class Service:
    """The configured models and what they share."""

    models: Mapping[str, Explained | None]
    settings: ExplainersSettings
    metrics: Metrics
    workers: Workers

    def known(self, name: str) -> Explained | None:
        """The model of that name, None when it has no explainer; `UnknownModel` if not there."""
        if name not in self.models:
            raise UnknownModel(f"no model {name[:100]!r}; there are {sorted(self.models)}")
        return self.models[name]

    async def explain(self, name: str, request: Request, decode: Decode) -> Answered:
        """Every row of the request explained."""
        with self.metrics.request(name if name in self.models else UNKNOWN):
            model = self.known(name)
            if model is None:
                raise NoExplainer(f"model {name!r} has no explainer; set models.{name}.explainers")
            body = await read_request(request, self.settings.max_body)
            return await self.workers.run(partial(self._answered, model, decode, body))

    def _answered(self, model: Explained, decode: Decode, body: bytes) -> Answered:
        asked = decode(body, Limits(body_bytes=self.settings.max_body))
        wish = read_wish(asked.parameters, model)
        self._check_size(asked.rows)
        rows = range(len(asked.rows))
        return Answered(asked, [self._one(model, asked.rows.take([at]), wish) for at in rows])

    def _one(self, model: Explained, row: Columns, wish: Wish) -> Explanation:
        explanation = model.explain(wish.method, wish.options, row)
        self.metrics.explained(explanation)
        return explanation

    def _check_size(self, rows: Columns) -> None:
        if len(rows) == 0:
            raise MalformedPayload("there are no rows; send at least one")
        if len(rows) > self.settings.max_rows:
            raise LimitExceeded(
                f"{len(rows)} rows; this service explains up to {self.settings.max_rows} at once"
            )
