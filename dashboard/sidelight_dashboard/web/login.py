"""Logging in with a token, and out."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from sidelight.serving.bodies import read_body
from sidelight_dashboard.access.guarding import Door
from sidelight_dashboard.web.pages import Pages

FORM_BYTES = 10_000
GUESS_SECONDS = 0.5
"""What a wrong token costs who sends it."""


def router(door: Door, pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    def page(request: Request, asked: str = Query("/", alias="next")) -> Response:
        if not door.tokens.are_asked_for:
            return RedirectResponse("/", 303)
        return _form(request, _own(asked), "")

    @router.post("/login")
    async def log_in(request: Request) -> Response:
        form = parse_qs((await read_body(request, FORM_BYTES)).decode("utf-8", "replace"))
        token = form.get("token", [""])[0].strip()
        asked = _own(form.get("next", ["/"])[0])
        if door.tokens.bearer(token) is None:
            await asyncio.sleep(GUESS_SECONDS)
            return _form(request, asked, "That is no token of this dashboard.", 401)
        answer = RedirectResponse(asked, 303)
        door.cookie.give(answer, door.sessions.begin(token))
        return answer

    @router.post("/logout")
    def log_out(request: Request) -> Response:
        door.sessions.end(door.cookie.read(request))
        answer = RedirectResponse("/login", 303)
        door.cookie.take(answer)
        return answer

    def _form(request: Request, asked: str, wrong: str, status: int = 200) -> HTMLResponse:
        return pages.answer(request, "web/login.html", {"asked": asked, "wrong": wrong}, status)

    return router


def _own(asked: str) -> str:
    """The path to go on to: of ours, never of another site."""
    is_own = asked.startswith("/") and asked[1:2] not in ("/", "\\") and asked.isprintable()
    return asked if is_own else "/"
