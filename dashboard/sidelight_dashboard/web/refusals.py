"""Errors as answers: a page for people, ``{"error": "..."}`` for programs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from sidelight.errors import SidelightError
from sidelight.serving.answers import json_answer
from sidelight.serving.refusals import RETRY_SECONDS, Busy, code_of
from sidelight_dashboard.access.guarding import wants_page
from sidelight_dashboard.access.policy import HEADERS
from sidelight_dashboard.refusals import CODES
from sidelight_dashboard.store.opening import TROUBLE
from sidelight_dashboard.web.pages import Pages


class Refusal(BaseModel):
    """Why not, in a sentence."""

    error: str = Field(examples=["no model 'prices' is configured; there are employment"])


_CONTENT = {"application/json": {"schema": Refusal.model_json_schema()}, "text/html": {}}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused", "content": _CONTENT},
    "5XX": {"description": "Failed", "content": _CONTENT},
}
"""For the API's description: which of both, the `Accept` header says."""


def answer_with_errors(app: FastAPI, pages: Pages) -> None:
    """Teach the app to say what went wrong."""

    def answer(
        request: Request, words: str, status: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        if not wants_page(request):
            return json_answer({"error": words}, status, headers)
        told = {"heading": HTTPStatus(status).phrase, "words": words}
        page = pages.answer(request, "web/error.html", told, status)
        page.headers.update(headers or {})
        return page

    async def refused(request: Request, error: Exception) -> Response:
        headers = {"retry-after": str(RETRY_SECONDS)} if isinstance(error, Busy) else None
        return answer(request, str(error), code_of(error, CODES), headers)

    async def not_routed(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        words = f"{error.detail}: {request.method} {request.url.path}"
        return answer(request, words, error.status_code, error.headers)

    async def not_understood(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return answer(request, "; ".join(map(_words, error.errors())), 422)

    async def unread(request: Request, error: Exception) -> Response:
        words = f"the dashboard's own store cannot be read now ({error}); ask again in a while"
        return answer(request, words, 503, {"retry-after": str(RETRY_SECONDS)})

    async def failed(request: Request, error: Exception) -> Response:
        """uvicorn logs the traceback; this answer passes by the middleware with its headers."""
        return answer(request, f"internal error: {type(error).__name__}", 500, HEADERS)

    app.add_exception_handler(SidelightError, refused)
    app.add_exception_handler(HTTPException, not_routed)
    app.add_exception_handler(RequestValidationError, not_understood)
    for trouble in TROUBLE:
        app.add_exception_handler(trouble, unread)
    app.add_exception_handler(Exception, failed)


def _words(problem: Mapping[str, Any]) -> str:
    _, *where = problem["loc"]
    return f"{'.'.join(map(str, where))}: {problem['msg']}"
