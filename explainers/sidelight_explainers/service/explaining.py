"""From a request's body to its explanations; what all protocols and jobs share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sidelight.config.explaining.service import ExplainersSettings
from sidelight.events.exchange import Body
from sidelight.protocols.limits import Limits
from sidelight.serving.refusals import UnknownModel
from sidelight.serving.workers import Workers
from sidelight_explainers.asking import Cancelled
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.logged.exchange import LoggedRows
from sidelight_explainers.models import Explained
from sidelight_explainers.service.asked import Decode
from sidelight_explainers.service.listening import Listening
from sidelight_explainers.service.metrics.explanations import ExplanationMetrics
from sidelight_explainers.service.metrics.requests import Metrics
from sidelight_explainers.service.planning import Plan, planned
from sidelight_explainers.service.refusals import NoExplainer


@dataclass(frozen=True)
class Service:
    """The configured models and what they share."""

    models: Mapping[str, Explained | None]
    settings: ExplainersSettings
    logged: LoggedRows
    metrics: Metrics
    quality: ExplanationMetrics

    def known(self, name: str) -> Explained | None:
        """The model of that name, None when it has no explainer; `UnknownModel` if not there."""
        if name not in self.models:
            raise UnknownModel(f"no model {name[:100]!r}; there are {sorted(self.models)}")
        return self.models[name]

    def explained(self, name: str) -> Explained:
        """The model of that name, which has an explainer."""
        model = self.known(name)
        if model is None:
            raise NoExplainer(f"model {name!r} has no explainer; set models.{name}.explainers")
        return model

    async def plan(self, name: str, body: Body, decode: Decode) -> Plan:
        """What the request comes to."""
        return await asyncio.to_thread(self._planned, self.explained(name), body, decode)

    async def explain(
        self, plan: Plan, workers: Workers, listening: Listening | None = None
    ) -> list[Explanation]:
        """All explanations of the plan, at the same time; the first error ends them all.

        So does a caller that is cancelled.
        """
        heard = listening or Listening()
        one = partial(self._one, plan, heard)
        try:
            return await workers.run_all([partial(one, at) for at in range(len(plan.parts))])
        finally:
            heard.leave()

    def _planned(self, model: Explained, body: Body, decode: Decode) -> Plan:
        most = self.settings.max_body
        asked = decode(body, Limits(body_bytes=most, decompressed_bytes=most))
        return planned(model, asked, self.logged, self.settings)

    def _one(self, plan: Plan, heard: Listening, at: int) -> Explanation:
        if heard.has_left():
            raise Cancelled("nobody waits for the explanation")
        wish = plan.wish
        explanation = plan.model.explain(wish.method, wish.options, plan.parts[at], heard.of(at))
        self.quality.explained(explanation)
        heard.hear(at, explanation)
        return explanation
