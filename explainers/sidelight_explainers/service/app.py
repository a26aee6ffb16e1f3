"""Puts the explain service together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from sidelight import __version__
from sidelight.config.explaining.service import ExplainersSettings
from sidelight.serving.answers import json_answer
from sidelight.serving.refusals import answer_with_errors
from sidelight.serving.workers import Workers
from sidelight_explainers.models import Explained
from sidelight_explainers.service import schema, v1, v2
from sidelight_explainers.service.explaining import Service
from sidelight_explainers.service.metrics import UNKNOWN, Metrics
from sidelight_explainers.service.refusals import CODES


def create_app(
    models: Mapping[str, Explained | None],
    settings: ExplainersSettings | None = None,
    *,
    registry: CollectorRegistry | None = None,
) -> FastAPI:
    """The service for these models, whose predictors it closes when it stops.

    It is ready as soon as it answers: everything is loaded then, and predictors may come and go.
    """
    settings = settings or ExplainersSettings()
    registry = registry or CollectorRegistry()
    workers = Workers(settings.workers, settings.waiting, "explain")
    service = Service(models, settings, Metrics(registry, [*models, UNKNOWN]), workers)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(workers.close)
        for model in filter(None, models.values()):
            model.close()

    app = FastAPI(
        title="Sidelight explainers",
        version=__version__,
        summary="Why did the model decide as it did?",
        lifespan=lifespan,
        # FastAPI's pages load their scripts from a CDN, and stay blank where there is none.
        docs_url=None,
        redoc_url=None,
    )
    answer_with_errors(app, CODES)
    app.include_router(v1.routes(service))
    app.include_router(v2.routes(service))
    app.include_router(_own_routes(registry))
    return app


def _own_routes(registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(tags=["Service"])

    @router.get("/", summary="Does the process live?", responses=schema.ALIVE)
    async def alive() -> Response:
        return json_answer({"status": "alive"})

    @router.get("/metrics", summary="Metrics for Prometheus", responses=schema.METRICS)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
