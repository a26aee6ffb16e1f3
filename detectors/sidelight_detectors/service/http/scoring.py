"""From a request to its answer: bounded, and away from the loop that reads the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from fastapi import Request

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.events.http import HttpMessage
from sidelight.protocols.compression import decompressed
from sidelight.protocols.limits import Limits
from sidelight.protocols.v2_binary import BinaryBody
from sidelight.serving.bodies import read_body
from sidelight.serving.refusals import Busy, TooSlow, UnknownModel
from sidelight.serving.workers import Workers
from sidelight.tensors import Columns
from sidelight_detectors.service.http import events, infer
from sidelight_detectors.service.http.alibi_form import alibi_form
from sidelight_detectors.service.http.answers import Answer, Wish, answer
from sidelight_detectors.service.http.metrics import RequestMetrics
from sidelight_detectors.service.http.wishes import chosen, wish_of
from sidelight_detectors.streaming.plan import Plan

BODY_SECONDS = 10.0
"""How long a body may take to come: it holds a place as long."""

T = TypeVar("T")


class Scoring:
    """The watched models, and the places there are for requests.

    A place is taken before the first byte of a body is held, so memory is bounded by
    ``(workers + waiting) * max_body``.
    """

    def __init__(
        self, plans: Mapping[str, Plan], settings: DetectorsSettings, metrics: RequestMetrics
    ) -> None:
        self.plans = plans
        self.settings = settings
        self.workers = Workers(settings.workers, settings.waiting, "score")
        self._metrics = metrics
        self._limits = Limits(
            body_bytes=settings.max_body, decompressed_bytes=4 * settings.max_body
        )
        self._taken = 0

    def known(self, name: str) -> Plan:
        """The plan of the model of that name."""
        if name not in self.plans:
            raise UnknownModel(f"no model {name[:100]!r}; there are {', '.join(self.plans)}")
        return self.plans[name]

    async def event(self, request: Request) -> HttpMessage:
        """The answer to a CloudEvent."""
        return await self.answered(request, self._of_event)

    async def infer(self, model: str, request: Request) -> BinaryBody:
        """The answer to a V2 inference."""
        plan = self.known(model)
        return await self.answered(request, partial(self._of_inference, plan))

    async def answered(self, request: Request, work: Callable[[Request, bytes], T]) -> T:
        """What comes of the request and its body, in its turn."""
        with self._metrics.request(), self._place():
            try:
                whole = read_body(request, self.settings.max_body)
                body = await asyncio.wait_for(whole, BODY_SECONDS)
            except TimeoutError as exc:
                raise TooSlow(f"the body did not come within {BODY_SECONDS:g} s") from exc
            return await self.workers.run(partial(work, request, body))

    def plain(self, request: Request, body: bytes) -> bytes:
        """The body as it was before it was compressed."""
        encoding = request.headers.get("content-encoding", "")
        return decompressed(body, encoding, self._limits.decompressed_bytes)

    @contextmanager
    def _place(self) -> Iterator[None]:
        places = self.settings.workers + self.settings.waiting
        if self._taken >= places:
            raise Busy(f"{places} requests are under way; try again later")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def _of_event(self, request: Request, body: bytes) -> HttpMessage:
        wish = wish_of(chosen(request.headers, request.query_params))
        content = self.plain(request, body)
        exchange = events.read_events(request.headers.items(), content, time.time_ns())
        plan = events.plan_of(exchange, self.plans, request.query_params.get("model", ""))
        rows = events.rows_of(exchange, plan, self._limits)
        return events.reply(exchange, alibi_form(self._scored(plan, rows, wish), wish))

    def _of_inference(self, plan: Plan, request: Request, body: bytes) -> BinaryBody:
        asked = infer.read_inference(request.headers, body, self._limits)
        said = asked.parameters.get("parameters") or {}
        wish = wish_of(said | chosen(request.headers, request.query_params))
        rows = infer.rows_of(asked, plan)
        return infer.write_inference(self._scored(plan, rows, wish), wish, asked)

    def _scored(self, plan: Plan, rows: Columns, wish: Wish) -> Answer:
        if not len(rows):
            raise MalformedPayload("there are no rows; send at least one")
        if len(rows) > self.settings.max_rows:
            raise LimitExceeded(
                f"{len(rows)} rows; this service scores up to {self.settings.max_rows} at once "
                "(detectors.max_rows)"
            )
        self._metrics.rows(plan.model, len(rows))
        return answer(plan, rows, wish, time.time_ns())
