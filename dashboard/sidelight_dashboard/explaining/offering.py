"""What the explain service can say of a model's rows."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sidelight.errors import MalformedPayload, SidelightError
from sidelight_dashboard.explaining.service import ExplainService, Method, Refused
from sidelight_dashboard.refusals import NotOffered

KEEP_SECONDS = 5.0
"""The service is asked again after this long."""


@dataclass(frozen=True)
class Offer:
    """The methods for a row of a model; without any, `trouble` says why and what helps."""

    methods: tuple[Method, ...]
    trouble: str = ""

    def method(self, name: str) -> Method:
        """The first where none is named.

        Raises `NotOffered` when there is nothing, `MalformedPayload` when there are only others.
        """
        if not self.methods:
            raise NotOffered(self.trouble)
        if not name:
            return self.methods[0]
        for one in self.methods:
            if one.name == name:
                return one
        there = ", ".join(one.name for one in self.methods)
        raise MalformedPayload(f"no method {name[:60]!r}; there are {there}", where="method")


class Offers:
    """Remembers for a moment what the service offers: pages that follow the log ask often."""

    def __init__(self, service: ExplainService) -> None:
        self._service = service
        self._known: dict[str, tuple[float, Offer]] = {}

    async def of(self, model: str) -> Offer:
        """Never raises, and never waits long."""
        known = self._known.get(model)
        if known is not None and time.monotonic() - known[0] < KEEP_SECONDS:
            return known[1]
        offer = await self._asked(model)
        self._known[model] = (time.monotonic(), offer)
        return offer

    async def _asked(self, model: str) -> Offer:
        try:
            methods = await self._service.methods(model)
        except Refused as exc:
            return Offer((), f"the explain service at {self._service.url} says: {exc}")
        except SidelightError as exc:
            return Offer((), str(exc))
        if methods:
            return Offer(methods)
        return Offer(
            (),
            "no method that explains single rows is configured for the model; add one below"
            f" models.{model}.explainers, such as shapley: {{}}, and start the explainers again",
        )
