"""What pages load beside their HTML: scripts, styles, the charts' library."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from sidelight_dashboard.web.library import Library

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
"""Kept, but asked whether it is still the same: a new release shows at once."""


class Statics(StaticFiles):
    """Our own files, which may change with a release."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = ASK_AGAIN
        return response


def add_statics(app: FastAPI, library: Library) -> None:
    app.include_router(_of(library))
    app.mount("/static", Statics(packages=[("sidelight_dashboard", "web/static")]))


def _of(library: Library) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/plotly.min.js")
    def plotly(request: Request) -> Response:
        headers = {"cache-control": FOR_EVER, "vary": "accept-encoding"}
        content = library.script
        if "gzip" in request.headers.get("accept-encoding", ""):
            content = library.packed
            headers["content-encoding"] = "gzip"
        return Response(content, headers=headers, media_type="text/javascript")

    return router
