"""Its page and its part of the API."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from sidelight_dashboard.overview.pulse import Pulse
from sidelight_dashboard.overview.shown import shown
from sidelight_dashboard.overview.told import Overview
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages


def router(showing: Showing, pages: Pages) -> APIRouter:
    pulse = Pulse(showing)
    pages.states = lambda: pulse.words
    router = APIRouter(tags=["Overview"], lifespan=pulse.beating)

    @router.get("/", summary="Every model at a glance", response_class=HTMLResponse)
    def page(request: Request) -> HTMLResponse:
        return pages.answer(request, "overview/page.html", shown(showing, pulse.overview()))

    @router.get("/api/overview", summary="Every model version, and the monitor itself")
    def told() -> Overview:
        return pulse.overview()

    return router
