"""Reads explain requests: bodies within a limit, rows, and what the sender may choose."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from sidelight.errors import MalformedPayload
from sidelight.protocols.documents import parse_object
from sidelight.protocols.limits import Limits
from sidelight.serving.bodies import read_body
from sidelight_explainers.contract import Wish

WISHES = "parameters.explain_parameters"


async def read_request(request: Request, limit: int) -> bytes:
    """The whole body, which is JSON; nothing beyond `limit` bytes is ever held."""
    _refuse_other_encodings(request)
    return await read_body(request, limit)


def _refuse_other_encodings(request: Request) -> None:
    headers = request.headers
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise MalformedPayload(f"content-encoding {encoding[:40]!r}; send the JSON as it is")
    if "inference-header-content-length" in headers:
        raise MalformedPayload("binary tensors are not read here; send V2 JSON")
    kind = Message()
    kind["content-type"] = headers.get("content-type", "application/json")
    charset = str(kind.get_param("charset", "utf-8")).lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise MalformedPayload(f"charset {charset[:40]!r}; send JSON in UTF-8")


def v1_parameters(body: bytes, limits: Limits) -> dict[str, Any]:
    """What a V1 body says beside its rows, under V2's name for it."""
    told = parse_object(body, limits).get("parameters") or {}
    if not isinstance(told, dict):
        raise MalformedPayload("send an object", where="parameters")
    return told


class _Wishes(BaseModel):
    model_config = ConfigDict(extra="forbid")

    output: StrictStr | None = Field(None, min_length=1, max_length=200)
    budget: StrictInt | None = Field(None, ge=1)
    seed: StrictInt | None = Field(None, ge=0, lt=1 << 63)


def read_wish(parameters: Mapping[str, Any], max_budget: int) -> Wish:
    """``parameters.explain_parameters``: output, budget (up to `max_budget`), seed."""
    told = parameters.get("explain_parameters") or {}
    if not isinstance(told, dict):
        raise MalformedPayload("send an object", where=WISHES)
    try:
        wishes = _Wishes.model_validate(told)
    except ValidationError as exc:
        raise _malformed(exc) from exc
    if wishes.budget is not None and wishes.budget > max_budget:
        raise MalformedPayload(
            f"{wishes.budget} rows; this service allows up to {max_budget}",
            where=f"{WISHES}.budget",
        )
    return Wish(wishes.output, wishes.budget, wishes.seed)


def _malformed(exc: ValidationError) -> MalformedPayload:
    first = exc.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part)[:60] for part in first["loc"])
    known = f"; known are {', '.join(_Wishes.model_fields)}" if "extra" in first["type"] else ""
    return MalformedPayload(f"{first['msg']}{known}", where=f"{WISHES}.{key}")
