"""The page of an explanation, and its part of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from sidelight.serving.answers import json_answer
from sidelight_dashboard.access.who import who
from sidelight_dashboard.exchanges.opening import open_row
from sidelight_dashboard.exchanges.places import ROW, Number, Topic
from sidelight_dashboard.explaining.asked import (
    AskedExplanation,
    FormBudget,
    FormMethod,
    FormOptions,
    checked,
    options_of_form,
)
from sidelight_dashboard.explaining.explaining import Explaining
from sidelight_dashboard.explaining.figures import bars_figure
from sidelight_dashboard.explaining.told import (
    ExplanationTold,
    overlay_of,
    told_explanation,
    told_page,
)
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages

Id = Annotated[str, Path(max_length=64, examples=["0123456789abcdef"])]

BEAT_SECONDS = 15.0
"""Without news, so that nobody between takes the connection for a dead one."""
ALIVE = b": alive\n\n"
UNBUFFERED = {"cache-control": "no-store", "x-accel-buffering": "no"}


def router(showing: Showing, pages: Pages, explaining: Explaining) -> APIRouter:
    router = APIRouter(tags=["Explanations"])
    _pages(router, showing, pages, explaining)
    _asking(router, showing, explaining)
    _told(router, showing, explaining)
    return router


def _pages(router: APIRouter, showing: Showing, pages: Pages, explaining: Explaining) -> None:
    @router.get("/explanations/{id}", summary="An explanation", response_class=HTMLResponse)
    async def page(request: Request, id: Id) -> HTMLResponse:
        told = await run_in_threadpool(told_page, showing, await explaining.progress(id))
        return await run_in_threadpool(
            pages.answer, request, "explaining/page.html", {"told": told}
        )

    @router.get("/explanations/{id}/overlay", summary="Its picture, under what each place moved")
    async def overlay(id: Id) -> Response:
        progress = await explaining.progress(id)
        picture = await run_in_threadpool(overlay_of, showing, progress)
        if picture is None:
            raise NotFound(f"explanation {id} is not of a picture")
        headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
        return Response(picture, media_type="image/png", headers=headers)

    @router.post("/explanations/{id}/end", summary="Cancel or forget it, from a form")
    async def end(id: Id) -> Response:
        progress = await explaining.progress(id)
        await explaining.end(id)
        return _seen(f"/rows/{progress.head.exchange}/{progress.head.row}#explain")

    @router.post(f"/rows{ROW}/explanations", summary="Ask for one, from a form")
    async def ask(
        request: Request,
        topic: Topic,
        partition: Number,
        offset: Number,
        row: Number,
        method: FormMethod = "",
        budget: FormBudget = "",
        options: FormOptions = "",
    ) -> Response:
        place = f"{topic}/{partition}/{offset}"
        opened = await run_in_threadpool(open_row, showing, place, row)
        chosen = (await explaining.offers.of(opened.model)).method(method)
        told = options_of_form(chosen, budget, options)
        head = explaining.ask(opened, chosen.name, told, who(request).name)
        return _seen(f"/explanations/{head.id}")


def _asking(router: APIRouter, showing: Showing, explaining: Explaining) -> None:
    @router.get("/api/models/{model:path}/methods", summary="What can explain a row of the model")
    async def methods(model: str) -> dict[str, Any]:
        offer = await explaining.offers.of(model)
        told = [
            {"name": one.name, "description": one.description, "options": one.options}
            for one in offer.methods
        ]
        return {"methods": told, "error": offer.trouble}

    @router.post("/api/explanations", summary="Explain a row", status_code=202)
    async def ask(request: Request, response: Response, asked: AskedExplanation) -> ExplanationTold:
        opened = await run_in_threadpool(open_row, showing, asked.exchange, asked.row)
        chosen = (await explaining.offers.of(opened.model)).method(asked.method)
        head = explaining.ask(opened, chosen.name, checked(asked.options), who(request).name)
        response.headers["location"] = f"/api/explanations/{head.id}"
        return told_explanation(await explaining.progress(head.id))

    @router.delete("/api/explanations/{id}", summary="Cancel it, or forget it", status_code=204)
    async def end(id: Id) -> None:
        await explaining.end(id)


def _told(router: APIRouter, showing: Showing, explaining: Explaining) -> None:
    @router.get("/api/explanations", summary="Those of a row, newest first")
    def of_row(
        exchange: Annotated[str, Query(max_length=200, examples=["inference/0/123"])],
        row: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
    ) -> list[ExplanationTold]:
        return [told_explanation(one) for one in explaining.of_row(exchange, row)]

    @router.get("/api/explanations/{id}", summary="How far it is, and what it says by now")
    async def one(id: Id) -> ExplanationTold:
        return told_explanation(await explaining.progress(id))

    @router.get("/api/explanations/{id}/figure", summary="What moved the output, as a chart")
    async def figure(id: Id) -> Response:
        told = await run_in_threadpool(told_page, showing, await explaining.progress(id))
        if told.shown is None or told.shown.bars is None:
            raise NotFound(f"explanation {id} has no bars")
        return json_answer(bars_figure(told.shown.bars), headers={"cache-control": "no-cache"})

    @router.get("/api/explanations/{id}/events", summary="Its progress as server-sent events")
    async def events(id: Id) -> StreamingResponse:
        await explaining.progress(id)
        return StreamingResponse(
            _events(showing, explaining, id), 200, UNBUFFERED, "text/event-stream"
        )


async def _events(showing: Showing, explaining: Explaining, id_: str) -> AsyncIterator[bytes]:
    """The newest of each moment, and at last how it ended; who is slow misses the others."""
    seen = None
    async for _ in showing.revision.following(BEAT_SECONDS):
        progress = await explaining.progress(id_)
        if progress.state != "running":
            yield _event(progress.state, told_explanation(progress))
            return
        is_new, seen = progress.explanation is not seen, progress.explanation
        yield _event("partial", told_explanation(progress)) if is_new else ALIVE


def _event(name: str, told: ExplanationTold) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(told))


def _seen(place: str) -> Response:
    """A page to go on from, so that loading it again asks for nothing."""
    return RedirectResponse(place, 303)
