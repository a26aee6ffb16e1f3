"""ModelMesh's payload posts, in KServe's terms.

JSON: ``id``, ``kind`` ("request", "response"), ``modelid``, ``vModelId``, ``metadata`` (all of the
call's headers), ``status`` (gRPC's, of an answer), ``data`` (the gRPC message in base64).
Source: kserve/modelmesh ``payload/RemotePayloadProcessor.java``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events.cloudevent import Attribute, CloudEvent
from sidelight.events.kserve import REQUEST_TYPE, RESPONSE_TYPE
from sidelight.protocols.grpc.codes import HTTP_STATUS

PATH = "/consumer/kserve/v2"
SOURCE = "/modelmesh"

_TYPES = {"request": REQUEST_TYPE, "response": RESPONSE_TYPE}


def payload_event(body: bytes, headers: Collection[str]) -> CloudEvent:
    """The half that the post tells of, with those of the call's `headers` that are to be kept.

    Raises `MalformedPayload`.
    """
    told = _object(body)
    kind, id_ = _text(told, "kind"), _text(told, "id")
    if kind not in _TYPES:
        raise MalformedPayload(f"is {kind[:32]!r}; send request or response", where="kind")
    if not id_:
        raise MalformedPayload("is missing; request and response share it", where="id")
    extensions: dict[str, Attribute] = {
        "protocol": "grpc",
        "modelname": _text(told, "vModelId") or _text(told, "modelid"),
        "metadata": _metadata(told.get("metadata") or {}, headers),
    }
    if kind == "response":
        extensions["statuscode"] = _status(_text(told, "status"))
    return CloudEvent(
        id=id_,
        source=SOURCE,
        type=_TYPES[kind],
        datacontenttype="application/grpc",
        extensions=extensions,
        data=_data(_text(told, "data")),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"not JSON: {exc}", where="body") from exc
    if not isinstance(told, dict):
        raise MalformedPayload("is no JSON object", where="body")
    return told


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedPayload("is not a string", where=name)
    return value


def _metadata(told: Any, headers: Collection[str]) -> str:
    if not isinstance(told, dict):
        raise MalformedPayload("is not a JSON object", where="metadata")
    kept = {n: [str(v)] for n, v in told.items() if n.lower() in headers}
    return orjson.dumps(kept).decode()


def _status(name: str) -> int:
    """An answer that TrustyAI's own senders post has none, and was one."""
    if name and name not in HTTP_STATUS:
        raise MalformedPayload(f"{name[:32]!r} is no status of gRPC", where="status")
    return HTTP_STATUS[name or "OK"]


def _data(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError) as exc:
        raise MalformedPayload(f"is not base64: {exc}", where="data") from exc
