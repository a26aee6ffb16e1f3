"""Answers requests to explain over HTTP: at once, or as a job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request, Response

from sidelight.events.exchange import Body
from sidelight.serving.answers import json_answer
from sidelight.serving.bodies import read_described
from sidelight.serving.refusals import TooSlow
from sidelight.serving.workers import Workers
from sidelight_explainers.service.closing import Closing
from sidelight_explainers.service.explaining import Service
from sidelight_explainers.service.jobs.job import Job
from sidelight_explainers.service.jobs.jobs import Jobs
from sidelight_explainers.service.jobs.preferring import ASYNC, Preference, preference
from sidelight_explainers.service.jobs.telling import location, status
from sidelight_explainers.service.metrics.requests import UNKNOWN
from sidelight_explainers.service.planning import Plan
from sidelight_explainers.service.refusals import Gone
from sidelight_explainers.service.wires.dialect import Dialect

T = TypeVar("T")

BODY_SECONDS = 15.0
"""Within so long a body must have come."""


@dataclass(frozen=True)
class Answering:
    """What the routes need: `workers` are for those who wait, jobs have their own."""

    service: Service
    workers: Workers
    jobs: Jobs
    closing: Closing

    async def answer(self, name: str, request: Request, dialect: Dialect) -> Response:
        """The explanations of a request, or where they will be."""
        metrics = self.service.metrics
        with metrics.request(name if name in self.service.models else UNKNOWN):
            return await self.closing.unless_over(self._answer(name, request, dialect))

    async def result(self, job: Job, accept: str) -> Response:
        """What the job's request would have got at once; its status where it still runs."""
        if job.error is not None:
            raise job.error.with_traceback(None)
        if job.state == "running":
            return accepted(job)
        return await asyncio.to_thread(job.dialect.answer, job.plan, job.explanations, accept)

    async def _answer(self, name: str, request: Request, dialect: Dialect) -> Response:
        body = await self._body(request)
        plan = await self.service.plan(name, body, dialect.decode)
        preferred = preference(request.headers.get("prefer", ""))
        if preferred.is_async:
            return await self._accepted(plan, request, dialect, preferred)
        explanations = await _unless_gone(request, self.service.explain(plan, self.workers))
        accept = request.headers.get("accept", "")
        return await asyncio.to_thread(dialect.answer, plan, explanations, accept)

    async def _body(self, request: Request) -> Body:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await read_described(request, self.service.settings.max_body)
        except TimeoutError as exc:
            raise TooSlow(f"the body did not come within {BODY_SECONDS:g} s") from exc

    async def _accepted(
        self, plan: Plan, request: Request, dialect: Dialect, preferred: Preference
    ) -> Response:
        job = self.jobs.begin(self.service, plan, dialect)
        with suppress(TimeoutError):
            await asyncio.wait_for(job.finished(), preferred.wait_seconds)
        answer = await self.result(job, request.headers.get("accept", ""))
        answer.headers["preference-applied"] = ASYNC
        return answer


def accepted(job: Job) -> Response:
    """Where the job is and how far."""
    return json_answer(status(job), 202, {"location": location(job), "retry-after": "1"})


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The result; when the client leaves before, the work is cancelled."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Gone("the client left before its answer")
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
