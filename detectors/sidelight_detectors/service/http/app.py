"""Puts the routes together: scoring, feedback, metrics, health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.concurrency import run_in_threadpool

from sidelight import __version__
from sidelight.serving.answers import json_answer
from sidelight.serving.refusals import answer_with_errors
from sidelight_detectors.service.health import Readiness
from sidelight_detectors.service.http import schema
from sidelight_detectors.service.http.feedback import FeedbackDoor
from sidelight_detectors.service.http.scoring import Scoring
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.streaming.plan import Plan

NAME = "sidelight_detectors"


def create_app(
    scoring: Scoring,
    registry: CollectorRegistry,
    readiness: Callable[[], Readiness],
    door: FeedbackDoor | None = None,
) -> FastAPI:
    """The service over HTTP; `readiness` is that of the loop that reads the log.

    Without a `door` no feedback is taken.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(scoring.workers.close)

    app = FastAPI(
        title="Sidelight detectors",
        version=__version__,
        summary="Is this batch strange? Asked and answered at once, apart from the log.",
        lifespan=lifespan,
        # FastAPI's pages load their scripts from a CDN, and stay blank where there is none.
        docs_url=None,
        redoc_url=None,
    )
    answer_with_errors(app)
    app.include_router(_events(scoring))
    app.include_router(_inference(scoring))
    if door is not None:
        app.include_router(_feedback(door))
    app.include_router(_service(registry, readiness))
    return app


def _events(scoring: Scoring) -> APIRouter:
    router = APIRouter(tags=["CloudEvents"])

    @router.get("/", summary="Does the process live?", responses=schema.ALIVE)
    async def alive() -> Response:
        return json_answer({"status": "alive"})

    @router.post(
        "/",
        summary="Score the rows of an inference event",
        openapi_extra=schema.EVENT,
        responses=schema.SCORED,
    )
    async def event(request: Request) -> Response:
        message = await scoring.event(request)
        return Response(message.body, headers=dict(message.headers))

    return router


def _inference(scoring: Scoring) -> APIRouter:
    router = APIRouter(prefix="/v2", tags=["V2"])

    @router.get("", summary="This server", responses=schema.SERVER)
    async def server() -> Response:
        told = {"name": NAME, "version": __version__, "extensions": ["binary_tensor_data"]}
        return json_answer(told)

    @router.get("/models/{model}", summary="The model's columns", responses=schema.METADATA)
    async def metadata(model: str) -> Response:
        return json_answer(_metadata(scoring.known(model)))

    @router.get("/models/{model}/ready", summary="Is it watched?", responses=schema.STATUS)
    async def model_ready(model: str) -> Response:
        return json_answer({"name": scoring.known(model).model, "ready": True})

    @router.post(
        "/models/{model}/infer",
        summary="Score a batch of rows",
        openapi_extra=schema.inference(scoring.plans),
        responses=schema.INFERRED,
    )
    async def infer(model: str, request: Request) -> Response:
        body = await scoring.infer(model, request)
        if body.json_length == len(body.content):
            return Response(body.content, media_type="application/json")
        return Response(body.content, headers=body.headers)

    return router


def _feedback(door: FeedbackDoor) -> APIRouter:
    router = APIRouter(tags=["Labels"])

    @router.post(
        "/feedback",
        summary="What came true of earlier predictions",
        status_code=202,
        openapi_extra=schema.FEEDBACK,
        responses=schema.TAKEN,
    )
    async def feedback(request: Request) -> Response:
        return json_answer(await door.take(request), 202)

    return router


def _service(registry: CollectorRegistry, readiness: Callable[[], Readiness]) -> APIRouter:
    router = APIRouter(tags=["Service"])

    @router.get("/v1/metrics", summary="As Seldon's server names it", responses=schema.METRICS)
    @router.get("/metrics", summary="Metrics for Prometheus", responses=schema.METRICS)
    async def metrics() -> Response:
        # In a thread: the collectors ask the log how much waits.
        told = await run_in_threadpool(generate_latest, registry)
        return Response(told, media_type=CONTENT_TYPE_LATEST)

    @router.get("/v2/health/live", summary="Does the process live?", responses=schema.LIVE)
    @router.get("/healthz", summary="Does the process live?", responses=schema.LIVE)
    async def live() -> Response:
        return json_answer({"live": True})

    @router.get("/v2/health/ready", summary="Does it read the log?", responses=schema.READY)
    @router.get("/readyz", summary="Does it read the log?", responses=schema.READY)
    async def ready() -> Response:
        now = readiness()
        if now.is_ready:
            return json_answer({"ready": True, "detail": now.text})
        return json_answer({"ready": False, "error": now.text}, 503)

    return router


def _metadata(plan: Plan) -> dict[str, Any]:
    watched = WatchedColumns.by(plan)
    return {
        "name": plan.model,
        "versions": [plan.id[:12]],
        "platform": NAME,
        "inputs": [
            {"name": name, "datatype": schema.datatype(plan, name), "shape": [-1]}
            for name in (*watched.inputs, *watched.outputs)
        ],
        "outputs": [
            {"name": name, "datatype": datatype, "shape": shape}
            for name, (datatype, shape) in schema.OUTPUTS.items()
        ],
    }
