"""Reads explain requests: bodies within a limit, rows, and what the sender may choose."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from typing import Any

from fastapi import Request

from sidelight.errors import MalformedPayload
from sidelight.protocols.documents import parse_object
from sidelight.protocols.limits import Limits
from sidelight.serving.bodies import read_body
from sidelight_explainers.models import Explained
from sidelight_explainers.wishes import Wish, wish

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


def read_wish(parameters: Mapping[str, Any], model: Explained) -> Wish:
    """``parameters.explain_parameters``: a method of the model, and options of it."""
    told = parameters.get("explain_parameters") or {}
    if not isinstance(told, dict):
        raise MalformedPayload("send an object", where=WISHES)
    return wish(model, told, WISHES)
