"""The page of a row and its part of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from sidelight.errors import MalformedPayload
from sidelight_dashboard.access.who import who
from sidelight_dashboard.exchanges.opening import open_row
from sidelight_dashboard.exchanges.pictures import is_picture, picture
from sidelight_dashboard.exchanges.places import ROW, Number, Topic
from sidelight_dashboard.explaining import routes as explanations
from sidelight_dashboard.explaining.explaining import Explaining
from sidelight_dashboard.explaining.offering import Offer
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.rows.flags import said_of
from sidelight_dashboard.rows.told import RowTold, around, told_row
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages

FOREVER = {"cache-control": "private, max-age=86400", "x-content-type-options": "nosniff"}
"""A record of the log never changes."""


def router(showing: Showing, pages: Pages) -> APIRouter:
    """Rows, and the explanations that are asked for there."""
    explaining = Explaining(showing)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await explaining.close()

    router = APIRouter(lifespan=lifespan)
    router.include_router(_rows(showing, pages, explaining))
    router.include_router(explanations.router(showing, pages, explaining))
    return router


def _rows(showing: Showing, pages: Pages, explaining: Explaining) -> APIRouter:
    router = APIRouter(tags=["Rows"])

    @router.get(f"/rows{ROW}", summary="One row", response_class=HTMLResponse)
    async def page(
        request: Request, topic: Topic, partition: Number, offset: Number, row: Number
    ) -> HTMLResponse:
        exchange = f"{topic}/{partition}/{offset}"
        told = await run_in_threadpool(told_row, showing, exchange, row)
        offered = await explaining.offers.of(told.model) if who(request).may_explain else Offer(())
        kept = await run_in_threadpool(explaining.of_row, exchange, row)
        return await run_in_threadpool(
            pages.answer,
            request,
            "rows/page.html",
            {
                "told": told,
                "parts": said_of(told.flags),
                "around": around(told.facts.time_ns),
                "offered": offered,
                "explanations": kept,
            },
        )

    @router.get(f"/api/rows{ROW}", summary="One row: input, output, and what was said of it")
    def told(topic: Topic, partition: Number, offset: Number, row: Number) -> RowTold:
        return told_row(showing, f"{topic}/{partition}/{offset}", row)

    @router.get(f"/rows{ROW}/pictures/{{column:path}}", summary="A picture of the row")
    def image(
        topic: Topic, partition: Number, offset: Number, row: Number, column: str
    ) -> Response:
        opened = open_row(showing, f"{topic}/{partition}/{offset}", row)
        if opened.inputs is None:
            raise MalformedPayload(opened.no_inputs)
        if column not in opened.inputs:
            raise NotFound(f"the row has no column {column[:100]!r}")
        kind = showing.settings.models[opened.model].features.get(column)
        shape = kind.shape if kind else ()
        if not is_picture(opened.inputs[column], shape):
            raise NotFound(f"column {column[:100]!r} is no picture")
        file = picture(opened.inputs[column], shape)
        return Response(file.content, media_type=file.media_type, headers=FOREVER)

    return router
