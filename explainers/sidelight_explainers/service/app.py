"""Puts the explain service together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from sidelight import __version__
from sidelight.config.explaining.service import ExplainersSettings
from sidelight.config.settings import LogSettings
from sidelight.serving.answers import json_answer
from sidelight.serving.refusals import answer_with_errors
from sidelight.serving.workers import Workers
from sidelight_explainers.logged.exchange import LoggedRows
from sidelight_explainers.models import Explained
from sidelight_explainers.service.answering import Answering
from sidelight_explainers.service.closing import Closing
from sidelight_explainers.service.explaining import Service
from sidelight_explainers.service.guarding import Guard, Guarded, guard_of
from sidelight_explainers.service.jobs import routes as job_routes
from sidelight_explainers.service.jobs.job import Job
from sidelight_explainers.service.jobs.jobs import Jobs
from sidelight_explainers.service.metrics.collectors import KeptJobs, Sent
from sidelight_explainers.service.metrics.explanations import ExplanationMetrics
from sidelight_explainers.service.metrics.requests import Metrics
from sidelight_explainers.service.refusals import CODES
from sidelight_explainers.service.warming import Readiness, warm_up
from sidelight_explainers.service.wires import schema, v1, v2_routes


def create_app(
    models: Mapping[str, Explained | None],
    settings: ExplainersSettings | None = None,
    log: LogSettings | None = None,
    *,
    registry: CollectorRegistry | None = None,
) -> FastAPI:
    """The service for these models, whose predictors it closes when it stops.

    `log` has the exchanges that requests may name. It is ready when its methods are warm:
    predictors may come and go.
    """
    settings = settings or ExplainersSettings()
    registry = registry or CollectorRegistry()
    metrics = Metrics(registry, models), ExplanationMetrics(registry, models)
    guard = guard_of(settings)
    service = Service(models, settings, LoggedRows(log or LogSettings()), *metrics)
    answering = _answering(service)
    registry.register(Sent(models))
    registry.register(KeptJobs(answering.jobs.counts))
    readiness = Readiness(not settings.warm_up)
    app = FastAPI(
        title="Sidelight explainers",
        version=__version__,
        summary="Why did the model decide as it did?",
        lifespan=lambda _app: _running(answering, readiness, guard),
        # FastAPI's pages load their scripts from a CDN, and stay blank where there is none.
        docs_url=None,
        redoc_url=None,
    )
    app.state.answering = answering
    app.add_middleware(Guarded, guard=guard)
    answer_with_errors(app, CODES)
    app.include_router(v1.routes(answering))
    app.include_router(v2_routes.routes(answering, readiness))
    app.include_router(job_routes.routes(answering))
    app.include_router(_own_routes(registry))
    return app


@asynccontextmanager
async def _running(answering: Answering, readiness: Readiness, guard: Guard) -> AsyncIterator[None]:
    models = answering.service.models
    closing = answering.closing
    warming = asyncio.create_task(_warm(models, readiness, closing.begun))
    async with _serving_grpc(answering, readiness, guard):
        yield
        closing.begun.set()
    await answering.jobs.close()
    await warming
    await asyncio.to_thread(_close, answering, models)


@asynccontextmanager
async def _serving_grpc(
    answering: Answering, readiness: Readiness, guard: Guard
) -> AsyncIterator[None]:
    """gRPC beside HTTP, where the settings name an address for it."""
    settings = answering.service.settings
    if settings.grpc_listen is None:
        yield
        return
    from sidelight_explainers.service.wires.rpc import Calls, Server

    server = Server(Calls(answering, readiness), settings, guard)
    await server.start()
    stopping = asyncio.create_task(server.stop_with(answering.closing))
    yield
    await stopping


async def _warm(
    models: Mapping[str, Explained | None], readiness: Readiness, closing: asyncio.Event
) -> None:
    if not readiness.ready:
        await asyncio.to_thread(warm_up, models, closing.is_set)
        readiness.ready = True


def _answering(service: Service) -> Answering:
    settings, metrics = service.settings, service.metrics

    def ended(job: Job) -> None:
        if job.state != "running":
            metrics.job_ended(job.plan.model.name, job.state)

    workers = Workers(settings.workers, settings.waiting, "explain")
    # Jobs are bounded by their number; their rows wait as long as it takes.
    of_jobs = Workers(settings.jobs.workers, settings.jobs.limit * settings.max_rows, "job")
    return Answering(service, workers, Jobs(settings.jobs, of_jobs, ended), Closing())


def _close(answering: Answering, models: Mapping[str, Explained | None]) -> None:
    answering.workers.close()
    answering.service.logged.close()
    for model in filter(None, models.values()):
        model.close()


def _own_routes(registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(tags=["Service"])

    @router.get("/", summary="Does the process live?", responses=schema.ALIVE)
    async def alive() -> Response:
        return json_answer({"status": "alive"})

    @router.get("/metrics", summary="Metrics for Prometheus", responses=schema.METRICS)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
