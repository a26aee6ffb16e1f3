"""What a request to explain says, as a form or as JSON."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Form
from pydantic import BaseModel, ConfigDict, Field

from sidelight.errors import MalformedPayload
from sidelight_dashboard.explaining.service import Method

OWN = ("exchange", "row", "method")
"""What the request says beside the options."""


class AskedExplanation(BaseModel):
    """One row by the address of its exchange, and the method that is to explain it."""

    model_config = ConfigDict(extra="forbid")

    exchange: str = Field(max_length=200, examples=["inference/0/123"])
    row: int = Field(default=0, ge=0, lt=1 << 31)
    method: str = Field(default="", max_length=100, description="The model's first by default.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="As `/api/models/{model}/methods` describes them."
    )


FormMethod = Annotated[str, Form(max_length=100)]
FormBudget = Annotated[str, Form(max_length=20)]
FormOptions = Annotated[str, Form(max_length=10_000)]


def options_of_form(method: Method, budget: str, options: str) -> dict[str, Any]:
    """What a person wrote; empty fields say nothing. Raises `MalformedPayload`."""
    told = _object(options) if options.strip() else {}
    if budget.strip() and method.default("budget") is not None:
        told["budget"] = _number(budget.strip())
    return checked(told)


def checked(options: dict[str, Any]) -> dict[str, Any]:
    """As they travel, and without what would ask for another row; raises `MalformedPayload`."""
    for name in OWN:
        if name in options:
            raise MalformedPayload(f"{name!r} stands beside the options", where="options")
    try:
        return _object(orjson.dumps(options))
    except TypeError as exc:  # a number beyond 64 bits, half a character
        raise MalformedPayload(f"cannot be sent on ({exc})", where="options") from exc


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"is no JSON ({exc})", where="options") from exc
    if not isinstance(told, dict):
        raise MalformedPayload('is no object; write {"seed": 1}', where="options")
    return told


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise MalformedPayload(f"{text!r} is no whole number", where="budget")
    return int(text)
