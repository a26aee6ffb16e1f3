"""A report to take along, of what a page shows."""

from __future__ import annotations

import gzip
import threading
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from sidelight.serving.refusals import Busy
from sidelight_dashboard.chosen import Asked
from sidelight_dashboard.report.making import report
from sidelight_dashboard.report.wanted import ANYTHING, Wanted
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages

AT_ONCE = 2
"""Reports that are made at one time; others are refused for a moment."""

_HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "An HTML file of its own"}
}


def router(showing: Showing, _pages: Pages) -> APIRouter:
    router = APIRouter(tags=["Reports"])
    places = threading.BoundedSemaphore(AT_ONCE)

    @router.get(
        "/models/{model:path}/report",
        summary="What the pages of a model tell, as one file",
        response_class=Response,
        responses=_HTML,
    )
    def of_model(request: Request, model: str, asked: Annotated[Asked, Depends()]) -> Response:
        return _made(request, showing, places, Wanted(model, asked))

    @router.get(
        "/alarms/{id}/report",
        summary="An alarm and what is behind it, as one file",
        response_class=Response,
        responses=_HTML,
    )
    def of_alarm(request: Request, id: str) -> Response:
        return _made(request, showing, places, Wanted("", ANYTHING, id))

    return router


def _made(
    request: Request, showing: Showing, places: threading.BoundedSemaphore, wanted: Wanted
) -> Response:
    if not places.acquire(blocking=False):
        raise Busy(f"{AT_ONCE} reports are being made; try again in a moment")
    try:
        made = report(showing, wanted, time.time_ns())
    finally:
        places.release()
    headers = {"content-disposition": f'attachment; filename="{made.name}"'}
    content = made.html.encode()
    if "gzip" in request.headers.get("accept-encoding", ""):
        # Here, in a thread of its own, and lightly: most of it is packed already.
        content, headers["content-encoding"] = gzip.compress(content, 1), "gzip"
    return Response(content, headers=headers, media_type="text/html")
