"""From a capture to an exchange: what the heads, the path and the answer say of it."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import orjson

from sidelight.events.exchange import PURPOSE_HEADER, Body, Exchange
from sidelight.events.ids import id_text
from sidelight.protocols.grpc.names import Names, names_in
from sidelight.protocols.routes import Route
from sidelight_logger.recorder.describing.asked import asked_model
from sidelight_logger.recorder.describing.grpc_status import grpc_code, http_status
from sidelight_logger.recorder.describing.heads import Fields
from sidelight_logger.recorder.describing.sides import Form, answered, asked
from sidelight_logger.wire.captures import Capture, Side

_NO_NAMES = Names()
_VERSION_KEY = b'"model_version"'
_VERSION = re.compile(rb'[{,\s]"model_version"\s*:\s*("(?:[^"\\]|\\.)*")')
_GZIP, _GZIP_WINDOW = b"\x1f\x8b", 31
_VERSION_WITHIN = 4 << 10
"""Servers write the version before the outputs, or after them: either end of the answer has it."""


@dataclass(frozen=True)
class Origin:
    """What is the same for all exchanges of one recorder."""

    source: str
    log_id: str
    extensions: Mapping[str, str] = field(default_factory=dict)
    headers: frozenset[str] | None = None
    """Request headers to tell of, in lower case; None for all."""


def describe(capture: Capture, sequence: int, origin: Origin) -> Exchange | None:
    """All that is known of the exchange (what is kept of it `policy` says), or None for a probe.

    Raises `MalformedPayload` when the heads cannot be read.
    """
    request = asked(capture.request.head)
    if request.is_probe:
        return None
    target, fields = request.target, request.fields
    response = answered(capture.response.head)
    request_names, answer_names = _names(target, capture)
    code = grpc_code(response.fields, capture.outcome) if request.is_call else ""
    version = _version(target, capture.response.body) or answer_names.version
    return Exchange(
        id=id_text(capture.id),
        source=origin.source,
        time_ns=capture.time_ns,
        duration_ns=capture.duration_ns,
        method=request.method,
        path=request.path,
        protocol=target.protocol,
        model=target.model or request_names.model,
        version=version or request_names.version,
        status=http_status(response.status, code),
        outcome=capture.outcome,
        request=_request(capture.request, request.form, fields),
        response=_body(capture.response, response.form),
        correlation_id=request.correlation_id,
        traceparent=fields.get("traceparent", ""),
        tracestate=fields.get("tracestate", ""),
        purpose=fields.get(PURPOSE_HEADER, ""),
        log_id=origin.log_id,
        sequence=sequence,
        headers=_told(fields, origin.headers),
        extensions={**origin.extensions, "grpcstatus": code} if code else origin.extensions,
    )


def _told(fields: Fields, wanted: frozenset[str] | None) -> Fields:
    if wanted is None:
        return fields
    return {name: fields[name] for name in fields if name in wanted} if wanted else {}


def _names(target: Route, capture: Capture) -> tuple[Names, Names]:
    """What the messages of a gRPC call name, or the body of OpenAI's form: their paths do not."""
    if target.protocol != "grpc":
        asks_by_body = target.verb == "generate" and not target.model
        return Names(asked_model(capture.request.body)) if asks_by_body else _NO_NAMES, _NO_NAMES
    return names_in(capture.request.body), names_in(capture.response.body)


def answered_version(body: bytes) -> str:
    """The `model_version` of a V2 answer, without parsing its tensors; empty when it has none.

    Of a compressed answer (MLServer's, to who takes it) only the beginning is looked at.
    """
    if body[:2] == _GZIP:
        body = _unzipped(body)
    match = _version_in(body[:_VERSION_WITHIN]) or _version_in(body[-_VERSION_WITHIN:])
    if match is None:
        return ""
    try:
        return str(orjson.loads(match[1]))
    except orjson.JSONDecodeError:
        return ""


def _unzipped(body: bytes) -> bytes:
    """The first bytes of what was compressed; nothing when it is broken."""
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(body[:_VERSION_WITHIN], _VERSION_WITHIN)
    except zlib.error:
        return b""


def _version_in(part: bytes) -> re.Match[bytes] | None:
    # Finding the key first is twenty times faster than searching for the whole.
    at = part.find(_VERSION_KEY)
    return _VERSION.search(part, at - 1) if at > 0 else None


def _version(target: Route, answer: bytes) -> str:
    return (answered_version(answer) if target.protocol == "v2" else "") or target.version


def _request(side: Side, form: Form, fields: Fields) -> Body:
    """With the hash of the whole body also where it is not cut but has to prove who asked."""
    body = _body(side, form)
    if PURPOSE_HEADER not in fields or side.truncated:
        return body
    return replace(body, sha256=hashlib.sha256(side.body).hexdigest())


def _body(side: Side, form: Form) -> Body:
    return Body(
        side.body,
        form.content_type,
        form.content_encoding,
        form.json_length,
        side.size,
        side.sha256.hex(),
        side.truncated,
    )
