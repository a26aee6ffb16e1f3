"""Errors as answers: always ``{"error": "..."}``, with the code that says whose they are."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from sidelight.errors import (
    DataMismatch,
    LimitExceeded,
    LogError,
    MalformedPayload,
    PredictorError,
    PredictorTimeout,
    RecordTooLarge,
    SidelightError,
    StoreUnreachable,
)
from sidelight.serving.answers import json_answer

RETRY_SECONDS = 1
"""What a client is told to wait when all places are taken."""


class UnknownModel(SidelightError):
    """No model of that name is configured."""


class TooSlow(SidelightError):
    """A body that did not come in time."""


class Busy(SidelightError):
    """All workers are taken and the queue is full."""


Codes = Mapping[type[SidelightError], int]

CODES: Codes = {
    MalformedPayload: 400,
    UnknownModel: 404,
    TooSlow: 408,
    LimitExceeded: 413,
    RecordTooLarge: 413,
    DataMismatch: 422,
    PredictorError: 502,
    StoreUnreachable: 502,
    LogError: 503,
    Busy: 503,
    PredictorTimeout: 504,
}


def code_of(error: BaseException, codes: Codes = CODES) -> int:
    """The HTTP status of an error, by its nearest class; 500 for one that nobody foresaw."""
    return next((code for kind in type(error).__mro__ if (code := codes.get(kind))), 500)


def answer_with_errors(app: FastAPI, codes: Codes = CODES) -> None:
    """Teach the app to say what went wrong."""

    async def refused(_request: Request, error: Exception) -> Response:
        headers = {"retry-after": str(RETRY_SECONDS)} if isinstance(error, Busy) else None
        return json_answer({"error": str(error)}, code_of(error, codes), headers)

    app.add_exception_handler(SidelightError, refused)
    app.add_exception_handler(HTTPException, _not_routed)
    app.add_exception_handler(Exception, _failed)


async def _not_routed(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    told = f"{error.detail}: {request.method} {request.url.path}"
    return json_answer({"error": told}, error.status_code, error.headers)


async def _failed(_request: Request, error: Exception) -> Response:
    """uvicorn logs the traceback; the client learns only the kind."""
    return json_answer({"error": f"internal error: {type(error).__name__}"}, 500)
