"""Errors as answers: always ``{"error": "..."}``, with the code that says whose they are."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from sidelight.errors import (
    DataMismatch,
    LimitExceeded,
    MalformedPayload,
    PredictorError,
    PredictorTimeout,
    SidelightError,
)
from sidelight_explainers.service.answers import json_answer

RETRY_SECONDS = 1
"""What a client is told to wait when all workers are taken."""


class UnknownModel(SidelightError):
    """No model of that name is configured."""


class NoExplainer(SidelightError):
    """The model is known, but no explainer is configured for it."""


class Busy(SidelightError):
    """All workers are taken and the queue is full."""


CODES: dict[type[SidelightError], int] = {
    MalformedPayload: 400,
    UnknownModel: 404,
    LimitExceeded: 413,
    DataMismatch: 422,
    NoExplainer: 501,
    PredictorError: 502,
    Busy: 503,
    PredictorTimeout: 504,
}


def code_of(error: BaseException) -> int:
    """The HTTP status of an error, by its nearest class; 500 for one that nobody foresaw."""
    return next((code for kind in type(error).__mro__ if (code := CODES.get(kind))), 500)


def answer_with_errors(app: FastAPI) -> None:
    """Teach the app to say what went wrong."""
    app.add_exception_handler(SidelightError, _refused)
    app.add_exception_handler(HTTPException, _not_routed)
    app.add_exception_handler(Exception, _failed)


async def _refused(_request: Request, error: Exception) -> Response:
    headers = {"retry-after": str(RETRY_SECONDS)} if isinstance(error, Busy) else None
    return json_answer({"error": str(error)}, code_of(error), headers)


async def _not_routed(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    told = f"{error.detail}: {request.method} {request.url.path}"
    return json_answer({"error": told}, error.status_code, error.headers)


async def _failed(_request: Request, error: Exception) -> Response:
    """uvicorn logs the traceback; the client learns only the kind."""
    return json_answer({"error": f"internal error: {type(error).__name__}"}, 500)
