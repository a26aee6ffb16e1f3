"""One body under the rules of its model: the same protocol afterwards, or nothing at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from sidelight.errors import LimitExceeded
from sidelight.events.exchange import Body
from sidelight.protocols.bodies import json_bytes, message_bytes, tensor_bytes
from sidelight.protocols.compression import decompressed
from sidelight.protocols.documents import parse_object, refuse_deep, refuse_long, write_object
from sidelight.protocols.grpc.frames import framed, is_framed
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.redaction.forms.v1 import redact_v1
from sidelight.redaction.paths import redact_paths
from sidelight.redaction.reasons import Unredactable
from sidelight.redaction.rules import Names, Rules
from sidelight.redaction.texts import masked, masked_tree

_STUMBLES = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""Whatever a rule stumbles over in what a stranger sent: it may neither be kept nor end us."""
_DEPTH = 32
"""Objects and lists in a document that is redacted."""
_JSON = re.compile(r"[\w.+-]*/?(json|[\w.-]+\+json)\s*(;.*)?", re.IGNORECASE)
_TEXT = re.compile(r"text/(?!event-stream)[\w.+-]+\s*(;\s*charset\s*=\s*\"?utf-?8\"?\s*)?", re.I)


def redacted(
    body: Body,
    protocol: str,
    side: str,
    rules: Rules,
    limits: Limits = DEFAULT_LIMITS,
) -> Body:
    """What may be kept of a body of `protocol` (``v1``, ``v2``, ``grpc``; empty: none of them).

    `side` is ``inputs`` or ``outputs``. What was compressed is plain afterwards; `size` stays that
    on the wire, and a hash of the whole is taken away, since it would let a value be tried out.
    Raises `Unredactable` where a rule cannot be applied.
    """
    if not rules.touch_bodies:
        return body
    if body.truncated:
        raise Unredactable("truncated", f"{len(body.content)} of {body.size} bytes came")
    if not body.content:
        return replace(body, sha256="")
    form = _FORMS.get(protocol, _of_no_protocol)
    limits = replace(limits, depth=_DEPTH)
    try:
        content, json_length = form(body, side, rules, limits)
    except Unredactable:
        raise
    except LimitExceeded as exc:
        raise Unredactable("limit", "it is beyond what is decoded") from exc
    except _STUMBLES as exc:
        raise Unredactable("malformed", "it cannot be read") from exc
    return replace(body, content=content, content_encoding="", json_length=json_length, sha256="")


def is_json(body: Body) -> bool:
    """By its content type."""
    return _JSON.fullmatch(body.content_type.strip()) is not None


def _v1(body: Body, side: str, rules: Rules, limits: Limits) -> tuple[bytes, int | None]:
    content, inner = json_bytes(body, limits)
    document = parse_object(content, inner)
    refuse_deep(document, "body", limits)
    return write_object(_document(document, rules, redact_v1, rules.names(side))), None


def _v2(body: Body, side: str, rules: Rules, limits: Limits) -> tuple[bytes, int | None]:
    from sidelight.redaction.forms import binary
    from sidelight.redaction.forms.v2 import mask_cells, redact_v2

    content, inner = tensor_bytes(body, limits)
    document = binary.read_binary(content, body.json_length, inner)
    refuse_deep(document, "body", limits)
    if rules.paths:
        binary.fill(document)
    document = _document(document, rules, redact_v2, rules.names(side))
    if rules.patterns:
        _each_tensor(document, partial(mask_cells, rules=rules))
    return binary.write_binary(document)


def _grpc(body: Body, side: str, rules: Rules, limits: Limits) -> tuple[bytes, int | None]:
    from sidelight.redaction.forms.grpc import redacted_message
    from sidelight.redaction.forms.v2 import mask_cells, redact_v2

    if rules.paths:
        raise Unredactable("form", "a gRPC message has no JSON paths")

    def redact(document: dict[str, Any]) -> dict[str, Any]:
        document = _document(document, rules, redact_v2, rules.names(side))
        if rules.patterns:
            _each_tensor(document, partial(mask_cells, rules=rules))
        return document

    message, inner = message_bytes(body, limits)
    kept = redacted_message(message, side, redact, inner)
    return (framed(kept) if is_framed(body.content) else kept), None


def _of_no_protocol(
    body: Body, side: str, rules: Rules, limits: Limits
) -> tuple[bytes, int | None]:
    """JSON of any kind and text: paths and patterns are found there, columns are not."""
    if rules.touch_columns:
        raise Unredactable("form", "the path is no inference route, so columns cannot be found")
    refuse_long(body.content, limits)
    content = decompressed(body.content, body.content_encoding, limits.decompressed_bytes)
    if is_json(body):
        return _json(content, rules, limits), None
    if "event-stream" in body.content_type or "ndjson" in body.content_type:
        raise Unredactable("stream", "a text that comes in pieces cannot be searched")
    if rules.paths or not _TEXT.fullmatch(body.content_type.strip()):
        raise Unredactable("form", f"{body.content_type[:40]!r} is no JSON")
    return _text(content, rules), None


def _json(content: bytes, rules: Rules, limits: Limits) -> bytes:
    # A list is looked at as the one member of an object: keys sent twice are found alike.
    wrapped = parse_object(b'{"":' + content + b"}", replace(limits, body_bytes=len(content) + 9))
    refuse_deep(wrapped, "body", limits)
    if wrapped.keys() != {""}:
        raise Unredactable("malformed", "it is not one JSON value")
    redact_paths(wrapped[""], rules.paths)
    return orjson.dumps(masked_tree(wrapped[""], rules.patterns))


def _text(content: bytes, rules: Rules) -> bytes:
    try:
        text = content.decode()
    except UnicodeDecodeError as exc:
        raise Unredactable("malformed", "it is no UTF-8") from exc
    if "\0" in text:  # UTF-16 that nobody declared reads as UTF-8, with a zero behind each letter
        raise Unredactable("malformed", "it holds zeros, so its characters cannot be told")
    return masked(text, rules.patterns).encode()


def _document(
    document: dict[str, Any],
    rules: Rules,
    redact: Callable[[dict[str, Any], Names, Rules], dict[str, Any]],
    names: Names,
) -> dict[str, Any]:
    """Paths, then columns, then patterns."""
    redact_paths(document, rules.paths)
    if rules.touch_columns:
        document = redact(document, names, rules)
    found: dict[str, Any] = masked_tree(document, rules.patterns) if rules.patterns else document
    return found


def _each_tensor(document: dict[str, Any], act: Callable[[Any], None]) -> None:
    for side in ("inputs", "outputs"):
        items = document.get(side)
        for item in items if type(items) is list else ():
            if type(item) is dict:
                act(item)


_FORMS = {"v1": _v1, "v2": _v2, "grpc": _grpc}
