"""Puts the rooms together."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from sidelight import __version__
from sidelight.serving.answers import json_answer
from sidelight.serving.refusals import answer_with_errors
from sidelight_dashboard.live import routes as live
from sidelight_dashboard.outliers import routes as outliers
from sidelight_dashboard.overview import routes as overview
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.library import installed
from sidelight_dashboard.web.pages import Pages
from sidelight_dashboard.web.statics import add_statics

ROOMS = (overview.router, outliers.router,)
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
    )
    answer_with_errors(app)
    library = installed()
    pages = Pages(showing, library)
    for room in ROOMS:
        app.include_router(room(showing, pages))
    app.include_router(_service(registry, ready))
    app.include_router(live.router(showing.revision))
    add_statics(app, library)
    return app


def _service(registry: CollectorRegistry, ready: Callable[[], str | None]) -> APIRouter:
    router = APIRouter(tags=["Service"])

    @router.get("/metrics", summary="Metrics for Prometheus")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

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
