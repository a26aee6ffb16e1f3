"""Routes of jobs: how far they are, what they found, their end."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from sidelight.serving.answers import json_answer
from sidelight_explainers.service.answering import Answering
from sidelight_explainers.service.jobs.telling import events, status
from sidelight_explainers.service.wires import schema

UNBUFFERED = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""Gateways that gather a stream before they pass it on must not."""


def routes(answering: Answering) -> APIRouter:
    """``/jobs`` and below."""
    router = APIRouter(prefix="/jobs", tags=["Jobs"])
    jobs = answering.jobs

    @router.get("/{job}", summary="How far is the job?", responses=schema.JOB)
    async def told(job: str) -> Response:
        return json_answer(status(jobs.get(job)))

    @router.get("/{job}/result", summary="What has it found?", responses=schema.RESULT)
    async def result(job: str, request: Request) -> Response:
        return await answering.result(jobs.get(job), request.headers.get("accept", ""))

    @router.get("/{job}/events", summary="What does it know by now?", responses=schema.EVENTS)
    async def stream(job: str) -> Response:
        found = jobs.get(job)
        return StreamingResponse(events(found), 200, UNBUFFERED, "text/event-stream")

    @router.delete("/{job}", summary="End it, or forget it", responses=schema.CANCELLED)
    async def cancel(job: str) -> Response:
        jobs.cancel(job)
        return Response(status_code=204)

    return router
