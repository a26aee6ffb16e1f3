"""Its page and its part of the API."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages


def router(showing: Showing, pages: Pages) -> APIRouter:
    router = APIRouter(tags=["Overview"])

    @router.get("/", summary="Every model at a glance", response_class=HTMLResponse)
    def page(request: Request) -> HTMLResponse:
        return pages.answer(request, "overview/page.html", {})

    return router
