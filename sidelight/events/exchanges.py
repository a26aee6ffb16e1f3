"""Exchanges as events and log records: attributes in the headers, both bodies in the data.

    data = u64 length of the request, u64 length of the response, request, response
           (little endian)

What is empty, zero or false is left out and read back as such. Names that are not ours are the
exchange's own `extensions`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import records, structured
from sidelight.events.attributes import SPEC_VERSION
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.exchange import (
    EXCHANGE_CONTENT_TYPE,
    EXCHANGE_TYPE,
    Body,
    Exchange,
    Outcome,
    Protocol,
)
from sidelight.events.times import parse_rfc3339, rfc3339
from sidelight.log.contract import Headers, Record

_LENGTHS = struct.Struct("<QQ")
_PROTOCOLS = frozenset(get_args(Protocol))
_OUTCOMES = frozenset(get_args(Outcome))
_TEXTS = {
    "method": "ce_method",
    "path": "ce_path",
    "protocol": "ce_protocol",
    "model": "ce_modelname",
    "version": "ce_modelversion",
    "outcome": "ce_outcome",
    "correlation_id": "ce_correlationid",
    "traceparent": "ce_traceparent",
    "tracestate": "ce_tracestate",
    "purpose": "ce_purpose",
    "log_id": "ce_logid",
}
"""Fields of an exchange that are text, and the header each is."""
_SIDES = ("ce_request", "ce_response")
_BODY = ("contenttype", "encoding", "jsonlength", "size", "sha256", "truncated")
_FIXED: Headers = (
    ("ce_specversion", SPEC_VERSION.encode()),
    ("ce_type", EXCHANGE_TYPE.encode()),
    ("content-type", EXCHANGE_CONTENT_TYPE.encode()),
)
_OURS = frozenset(
    {"ce_id", "ce_source", "ce_time", "ce_statuscode", "ce_durationns", "ce_sequence", "ce_headers"}
    | {name for name, _ in _FIXED}
    | set(_TEXTS.values())
    | {side + name for side in _SIDES for name in _BODY}
)


def to_event(exchange: Exchange) -> CloudEvent:
    """The exchange as one event."""
    return records.from_record(to_record(exchange))


def from_event(event: CloudEvent) -> Exchange:
    """The exchange; raises `MalformedPayload` when the event is none or a broken one."""
    return from_record(records.to_record(event))


def to_record(exchange: Exchange) -> Record:
    """The exchange as a log record in binary mode; the key is its id."""
    id_ = exchange.id.encode()
    headers = [
        *_FIXED,
        ("ce_id", id_),
        ("ce_source", exchange.source.encode()),
        ("ce_time", rfc3339(exchange.time_ns).encode()),
        ("ce_statuscode", b"%d" % exchange.status),
        ("ce_durationns", b"%d" % exchange.duration_ns),
        # The registered extension `sequence` is text that sorts in order.
        ("ce_sequence", b"%020d" % exchange.sequence),
    ]
    for field, name in _TEXTS.items():
        if text := getattr(exchange, field):
            headers.append((name, text.encode()))
    for side, body in zip(_SIDES, (exchange.request, exchange.response), strict=True):
        headers += _body_headers(side, body)
    headers += _open_headers(exchange)
    return Record(_data(exchange), id_, tuple(headers))


def from_record(record: Record) -> Exchange:
    """The exchange of a log record; raises `MalformedPayload` when it holds none."""
    headers = dict(record.headers)
    if len(headers) != len(record.headers):
        raise MalformedPayload(f"a header is there twice in {[n for n, _ in record.headers]}")
    if structured.is_structured(_text(headers, "content-type")):
        return from_event(records.from_record(record))
    for name, wanted in _FIXED:
        if (found := headers.get(name)) != wanted:
            raise MalformedPayload(f"is {found!r}, an exchange has {wanted!r}", where=name)
    return _exchange(headers, record.value)


def _body_headers(side: str, body: Body) -> Iterator[tuple[str, bytes]]:
    if body.content_type:
        yield side + "contenttype", body.content_type.encode()
    if body.content_encoding:
        yield side + "encoding", body.content_encoding.encode()
    if body.json_length is not None:
        yield side + "jsonlength", b"%d" % body.json_length
    if body.size != len(body.content):
        yield side + "size", b"%d" % body.size
    if body.sha256:
        yield side + "sha256", body.sha256.encode()
    if body.truncated:
        yield side + "truncated", b"true"


def _open_headers(exchange: Exchange) -> Iterator[tuple[str, bytes]]:
    if exchange.headers:
        yield "ce_headers", orjson.dumps(exchange.headers)
    for name, text in exchange.extensions.items():
        header = records.PREFIX + name
        if header in _OURS:
            raise ValueError(f"extension {name!r} of exchange {exchange.id} is the exchange's own")
        yield header, text.encode()


def _data(exchange: Exchange) -> bytes:
    request, response = exchange.request.content, exchange.response.content
    return b"".join((_LENGTHS.pack(len(request), len(response)), request, response))


def _exchange(headers: Mapping[str, bytes], data: bytes) -> Exchange:
    request, response = _bodies(data)
    texts: dict[str, Any] = {field: _text(headers, name) for field, name in _TEXTS.items()}
    _expect_known("protocol", texts["protocol"], _PROTOCOLS)
    _expect_known("outcome", texts["outcome"], _OUTCOMES)
    return Exchange(
        **texts,
        id=_needed(headers, "ce_id"),
        source=_needed(headers, "ce_source"),
        time_ns=parse_rfc3339(_needed(headers, "ce_time")),
        duration_ns=_number(headers, "ce_durationns"),
        status=_number(headers, "ce_statuscode"),
        request=_body(headers, "ce_request", request),
        response=_body(headers, "ce_response", response),
        sequence=_number(headers, "ce_sequence"),
        headers=_headers(headers.get("ce_headers", b"")),
        extensions=_foreign(headers),
    )


def _foreign(headers: Mapping[str, bytes]) -> dict[str, str]:
    prefix = records.PREFIX
    return {
        name[len(prefix) :]: _text(headers, name)
        for name in headers
        if name not in _OURS and name.startswith(prefix)
    }


def _bodies(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < _LENGTHS.size:
        raise MalformedPayload(f"{len(data)} bytes cannot hold two bodies", where="data")
    request, response = _LENGTHS.unpack_from(data)
    if _LENGTHS.size + request + response != len(data):
        raise MalformedPayload(
            f"bodies of {request} and {response} bytes do not make {len(data)}", where="data"
        )
    middle = _LENGTHS.size + request
    return data[_LENGTHS.size : middle], data[middle:]


def _body(headers: Mapping[str, bytes], side: str, content: bytes) -> Body:
    json_length = side + "jsonlength"
    return Body(
        content,
        _text(headers, side + "contenttype"),
        _text(headers, side + "encoding"),
        _number(headers, json_length) if json_length in headers else None,
        _number(headers, side + "size", len(content)),
        _text(headers, side + "sha256"),
        headers.get(side + "truncated") == b"true",
    )


def _text(headers: Mapping[str, bytes], name: str) -> str:
    value = headers.get(name)
    if not value:
        return ""
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise MalformedPayload(f"header is not UTF-8: {value[:32]!r}", where=name) from exc


def _needed(headers: Mapping[str, bytes], name: str) -> str:
    if not (text := _text(headers, name)):
        raise MalformedPayload("is missing; every exchange has one", where=name)
    return text


def _number(headers: Mapping[str, bytes], name: str, default: int = 0) -> int:
    if (digits := headers.get(name)) is None:
        return default
    if not (digits.isdigit() and len(digits) <= 20):
        raise MalformedPayload(f"{digits[:32]!r} is no whole number of 1 to 20 digits", where=name)
    return int(digits)


def _headers(content: bytes) -> Mapping[str, str]:
    if not content:
        return {}
    try:
        headers = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"not JSON: {exc}", where="ce_headers") from exc
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise MalformedPayload("not a JSON object of strings", where="ce_headers")
    return headers


def _expect_known(name: str, value: str, known: frozenset[str]) -> None:
    if value not in known:
        raise MalformedPayload(f"is {value[:32]!r}; known are {sorted(known)}", where=name)
