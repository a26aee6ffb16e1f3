"""Puts the rooms together."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI, Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from sidelight import __version__
from sidelight.config.showing.service import DashboardSettings
from sidelight.serving.answers import json_answer
from sidelight_dashboard.access.bodies import Bounded
from sidelight_dashboard.access.cookie import cookie_of
from sidelight_dashboard.access.crowd import Crowd
from sidelight_dashboard.access.guarding import Door, Guarded
from sidelight_dashboard.access.hosts import OwnNames, names_of
from sidelight_dashboard.access.origins import SameOrigin
from sidelight_dashboard.access.policy import Policed
from sidelight_dashboard.access.sessions import Sessions
from sidelight_dashboard.access.tokens import tokens_of
from sidelight_dashboard.alarms import routes as alarms
from sidelight_dashboard.attacks import routes as attacks
from sidelight_dashboard.bias import routes as bias
from sidelight_dashboard.drift import routes as drift
from sidelight_dashboard.live import routes as live
from sidelight_dashboard.outliers import routes as outliers
from sidelight_dashboard.overview import routes as overview
from sidelight_dashboard.report import routes as reports
from sidelight_dashboard.rows import routes as rows
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web import login
from sidelight_dashboard.web.library import installed
from sidelight_dashboard.web.pages import Pages
from sidelight_dashboard.web.refusals import DOCUMENTED, answer_with_errors
from sidelight_dashboard.web.statics import add_statics

ROOMS = (
    overview.router,
    drift.router,
    outliers.router,
    bias.router,
    attacks.router,
    alarms.router,
    rows.router,
    reports.router,
)
"""What there is to see, each with its pages and its part of the API."""


def create_app(
    showing: Showing, registry: CollectorRegistry, ready: Callable[[], str | None]
) -> FastAPI:
    """The pages and the API; `ready` says what is waited for, None when nothing is."""
    app = FastAPI(
        title="Sidelight dashboard",
        version=__version__,
        summary="From an alarm to the rows behind it and why.",
        docs_url=None,
        redoc_url=None,
        responses=DOCUMENTED,
    )
    library = installed()
    pages = Pages(showing, library)
    answer_with_errors(app, pages)
    door = _door(showing.settings.dashboard)
    _surround(app, door, showing.settings.dashboard)
    app.include_router(login.router(door, pages))
    for room in ROOMS:
        app.include_router(room(showing, pages))
    app.include_router(_service(registry, ready))
    app.include_router(live.router(showing.revision))
    add_statics(app, library)
    return app


def _door(settings: DashboardSettings) -> Door:
    tokens = tokens_of(settings.tokens)
    return Door(tokens, Sessions(tokens), cookie_of(settings))


def _surround(app: FastAPI, door: Door, settings: DashboardSettings) -> None:
    """What each request goes through, the last added first."""
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(Bounded)
    app.add_middleware(Crowd)
    app.add_middleware(Guarded, door=door)
    app.add_middleware(SameOrigin, public=urlsplit(settings.public_url or "").netloc)
    app.add_middleware(OwnNames, names=names_of(settings))
    app.add_middleware(Policed)


def _service(registry: CollectorRegistry, ready: Callable[[], str | None]) -> APIRouter:
    router = APIRouter(tags=["Service"])
    apart = CapacityLimiter(1)  # not behind pages: who watches the process gives up soon

    @router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        told = await run_sync(generate_latest, registry, limiter=apart)
        return Response(told, media_type=CONTENT_TYPE_LATEST)

    @router.get("/healthz", summary="Does the process live?")
    async def live() -> Response:
        return json_answer({"live": True})

    @router.get("/readyz", summary="Has it read the log?")
    async def is_ready() -> Response:
        waits = ready()
        if waits is None:
            return json_answer({"ready": True})
        return json_answer({"ready": False, "error": waits}, 503)

    return router
