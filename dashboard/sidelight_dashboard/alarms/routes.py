"""Pages of alarms, and their part of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from sidelight_dashboard.alarms.deliveries import Delivered, deliveries
from sidelight_dashboard.alarms.figures import drawable, sizes_figure
from sidelight_dashboard.alarms.one import OneAlarm, one_alarm
from sidelight_dashboard.alarms.shown import list_shown, one_shown
from sidelight_dashboard.alarms.told import Alarm, Search
from sidelight_dashboard.drawing.figures import Figure
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages

PAGE = 50
"""Alarms of one page."""


@dataclass(frozen=True)
class Alarms:
    """`count` alarms are asked for; `next` is the `after` that goes on, empty at the end."""

    count: int
    alarms: tuple[Alarm, ...]
    next: str


def router(showing: Showing, pages: Pages) -> APIRouter:
    router = APIRouter(tags=["Alarms"])

    @router.get("/alarms", summary="Alarms, the newest first", response_class=HTMLResponse)
    def page(request: Request, search: Annotated[Search, Depends(_search)]) -> HTMLResponse:
        found = _alarms(showing, search, PAGE)
        told = list_shown(showing, search, found.alarms) | {"found": found}
        return pages.answer(request, "alarms/page.html", told)

    @router.get("/alarms/{id}", summary="One alarm", response_class=HTMLResponse)
    def one_page(request: Request, id: str) -> HTMLResponse:
        told = one_shown(showing, one_alarm(showing, id))
        return pages.answer(request, "alarms/alarm.html", told)

    @router.get("/api/alarms", summary="Alarms, the newest first")
    def alarms(
        search: Annotated[Search, Depends(_search)],
        most: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = PAGE,
    ) -> Alarms:
        return _alarms(showing, search, most)

    @router.get("/api/alarms/{id}", summary="One alarm, with all that is known of it")
    def alarm(id: str) -> OneAlarm:
        return one_alarm(showing, id)

    @router.get("/api/alarms/{id}/deliveries", summary="Who was told of it")
    def told(id: str) -> tuple[Delivered, ...]:
        return deliveries(showing.store, one_alarm(showing, id).alarm.id)

    @router.get("/api/alarms/{id}/figure", summary="How large it is, as a chart")
    def figure(id: str) -> Figure:
        return sizes_figure(drawable(one_alarm(showing, id).sizes))

    return router


def _search(
    model: Annotated[str, Query(max_length=256)] = "",
    version: Annotated[str, Query(max_length=256)] = "",
    detector: Annotated[str, Query(max_length=256)] = "",
    state: Annotated[
        Literal["raised", "cleared", ""], Query(description="raised: those that stand.")
    ] = "",
    after: Annotated[str, Query(max_length=64, description="Id of the alarm before.")] = "",
) -> Search:
    return Search(model, version, detector, state, after)


def _alarms(showing: Showing, search: Search, most: int) -> Alarms:
    found = search.rows(showing, most + 1)
    shown = found[:most]
    return Alarms(search.count(showing.store), shown, shown[-1].id if len(found) > most else "")
