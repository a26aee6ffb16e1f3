"""Which protocol a body speaks, when nobody kept the path it was sent to.

KServe's events tell neither path nor length of the JSON head, so both are found from the bodies:
V1 has ``instances`` and ``predictions``; V2's tensors have names and datatypes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body, Protocol
from sidelight.protocols.compression import decompressed
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Form:
    """What a body tells of itself; all empty when it is no inference body.

    `model` and `version` are what a V2 answer says. `json_length` is where binary tensors begin,
    None when there are none.
    """

    protocol: Protocol = ""
    model: str = ""
    version: str = ""
    json_length: int | None = None


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
    except MalformedPayload:
        return UNKNOWN
    document, json_length = _document(content)
    if _are_tensors(document.get(tensors), document):
        model, version = (_text(document.get(f"model_{name}")) for name in ("name", "version"))
        return Form("v2", model, version, json_length)
    if json_length is None and (rows in document or tensors in document):
        return Form("v1")
    return UNKNOWN


def _document(content: bytes) -> tuple[dict[str, Any], int | None]:
    """The JSON object, and its length when binary tensors of just the right size follow it."""
    try:
        document = orjson.loads(content)
        return (document, None) if isinstance(document, dict) else ({}, None)
    except orjson.JSONDecodeError:
        length = _object_length(content)
    try:
        document = orjson.loads(content[:length])
    except orjson.JSONDecodeError:
        return {}, None
    if length and _binary_bytes(document) == len(content) - length:
        return document, length
    return {}, None


_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}]', re.DOTALL)


def _object_length(content: bytes) -> int:
    """Bytes of the JSON object at the beginning; 0 when there is none."""
    if not content.startswith(b"{"):
        return 0
    depth = 0
    for token in _TOKEN.finditer(content):
        depth += {b"{": 1, b"}": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    return 0


def _binary_bytes(document: dict[str, Any]) -> int:
    found = 0
    for tensor in (*_list(document.get("inputs")), *_list(document.get("outputs"))):
        parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        found += size if type(size) is int else 0
    return found


def _are_tensors(found: Any, document: dict[str, Any]) -> bool:
    if found == []:
        return "model_name" in document
    return isinstance(found, list) and all(
        isinstance(one, dict) and "name" in one and "datatype" in one for one in found
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
