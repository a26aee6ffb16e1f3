"""Which protocol a body speaks, when nobody kept the path it was sent to.

V1 has ``instances`` and ``predictions``; V2's tensors have names and datatypes, in JSON and before
binary tensors. gRPC is not recognised: its messages tell nothing of themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body, Protocol
from sidelight.protocols.compression import decompressed
from sidelight.protocols.json_end import end_of_object
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Form:
    """What a body tells of itself; all empty when it is no inference body.

    `model` and `version` are what a V2 answer says.
    """

    protocol: Protocol = ""
    model: str = ""
    version: str = ""


UNKNOWN = Form()


def request_form(body: Body, limits: Limits = DEFAULT_LIMITS) -> Form:
    """The form of a request's body."""
    return _form(body, "inputs", "instances", limits)


def response_form(body: Body, limits: Limits = DEFAULT_LIMITS) -> Form:
    """The form of a response's body."""
    return _form(body, "outputs", "predictions", limits)


def _form(body: Body, tensors: str, rows: str, limits: Limits) -> Form:
    try:
        content = decompressed(body.content, body.content_encoding, limits.decompressed_bytes)
        document = _document(content)
    except MalformedPayload:
        return UNKNOWN
    if _are_tensors(document.get(tensors), document):
        model, version = (_text(document.get(f"model_{name}")) for name in ("name", "version"))
        return Form("v2", model, version)
    return Form("v1") if rows in document or tensors in document else UNKNOWN


def _document(content: bytes) -> dict[str, Any]:
    """The JSON object that the body is or begins with; an empty one when it is no object."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = _head(content)
    return found if isinstance(found, dict) else {}


def _head(content: bytes) -> Any:
    """The object before binary tensors."""
    try:
        return orjson.loads(content[: end_of_object(content)])
    except orjson.JSONDecodeError:
        return None


def _are_tensors(found: Any, document: dict[str, Any]) -> bool:
    if found == []:
        return "model_name" in document
    return isinstance(found, list) and all(
        isinstance(one, dict) and "name" in one and "datatype" in one for one in found
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
