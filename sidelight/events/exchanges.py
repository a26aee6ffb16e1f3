"""Exchanges as events and log records: attributes in the headers, both bodies in the data.

    data = u64 length of the request, u64 length of the response, request, response
           (little endian)

What is empty, zero or false is left out and read back as such. Names that are not ours are the
exchange's own `extensions`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter
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
_texts_of = attrgetter(*_TEXTS)
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
_FIXED_TEXTS = tuple((name, value.decode()) for name, value in _FIXED)
_REQUEST_NAMES, _RESPONSE_NAMES = (tuple(side + name for name in _BODY) for side in _SIDES)


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
    for name, text in zip(_TEXTS.values(), _texts_of(exchange), strict=True):
        if text:
            headers.append((name, text.encode()))
    _add_body(headers, _REQUEST_NAMES, exchange.request)
    _add_body(headers, _RESPONSE_NAMES, exchange.response)
    if exchange.headers:
        headers.append(("ce_headers", orjson.dumps(exchange.headers)))
    headers += _extensions(tuple(exchange.extensions.items()))
    return Record(_data(exchange), id_, tuple(headers))


def from_record(record: Record) -> Exchange:
    """The exchange of a log record; raises `MalformedPayload` when it holds none."""
    texts = _texts(record.headers)
    if structured.is_structured(texts.get("content-type", "")):
        return from_event(records.from_record(record))
    for name, wanted in _FIXED_TEXTS:
        if (found := texts.get(name)) != wanted:
            raise MalformedPayload(f"is {found!r}, an exchange has {wanted!r}", where=name)
    return _exchange(texts, record.value)


def with_data(exchange: Exchange, data: bytes) -> Exchange:
    """The exchange with the bodies that `data` holds; raises `MalformedPayload`."""
    request, response = _bodies(data)
    return replace(
        exchange,
        request=_with_content(exchange.request, request),
        response=_with_content(exchange.response, response),
    )


def _with_content(body: Body, content: bytes) -> Body:
    return replace(body, content=content, size=body.size or len(content))


def _add_body(headers: list[tuple[str, bytes]], names: Sequence[str], body: Body) -> None:
    content_type, encoding, json_length, size, sha256, truncated = names
    if body.content_type:
        headers.append((content_type, body.content_type.encode()))
    if body.content_encoding:
        headers.append((encoding, body.content_encoding.encode()))
    if body.json_length is not None:
        headers.append((json_length, b"%d" % body.json_length))
    if body.size != len(body.content):
        headers.append((size, b"%d" % body.size))
    if body.sha256:
        headers.append((sha256, body.sha256.encode()))
    if body.truncated:
        headers.append((truncated, b"true"))


@lru_cache(maxsize=64)
def _extensions(named: tuple[tuple[str, str], ...]) -> Headers:
    """Those of a logger are mostly the same for all of its exchanges."""
    for name, _ in named:
        if records.PREFIX + name in _OURS:
            raise ValueError(f"extension {name!r} of an exchange is one of the exchange's own")
    return tuple((records.PREFIX + name, text.encode()) for name, text in named)


def _data(exchange: Exchange) -> bytes:
    request, response = exchange.request.content, exchange.response.content
    return b"".join((_LENGTHS.pack(len(request), len(response)), request, response))


def _texts(headers: Headers) -> dict[str, str]:
    """All headers by name, decoded."""
    try:
        texts = {name: value.decode() for name, value in headers}
    except UnicodeDecodeError as exc:
        names = [name for name, value in headers if value == exc.object]
        raise MalformedPayload(
            f"header is not UTF-8: {exc.object[:32]!r}", where=", ".join(names)
        ) from exc
    if len(texts) != len(headers):
        raise MalformedPayload(f"a header is there twice in {[name for name, _ in headers]}")
    return texts


def _exchange(texts: Mapping[str, str], data: bytes) -> Exchange:
    is_elsewhere = not data and "ce_dataref" in texts
    request, response = (b"", b"") if is_elsewhere else _bodies(data)
    fields: dict[str, Any] = {field: texts.get(name, "") for field, name in _TEXTS.items()}
    _expect_known("protocol", fields["protocol"], _PROTOCOLS)
    _expect_known("outcome", fields["outcome"], _OUTCOMES)
    return Exchange(
        **fields,
        id=_needed(texts, "ce_id"),
        source=_needed(texts, "ce_source"),
        time_ns=parse_rfc3339(_needed(texts, "ce_time")),
        duration_ns=_number(texts, "ce_durationns"),
        status=_number(texts, "ce_statuscode"),
        request=_body(texts, _REQUEST_NAMES, request),
        response=_body(texts, _RESPONSE_NAMES, response),
        sequence=_number(texts, "ce_sequence"),
        headers=_headers(texts.get("ce_headers", "")),
        extensions=_foreign(texts),
    )


def _foreign(texts: Mapping[str, str]) -> dict[str, str]:
    if texts.keys() <= _OURS:
        return {}
    prefix = records.PREFIX
    return {
        name[len(prefix) :]: text
        for name, text in texts.items()
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


def _body(texts: Mapping[str, str], names: Sequence[str], content: bytes) -> Body:
    content_type, encoding, json_length, size, sha256, truncated = names
    return Body(
        content,
        texts.get(content_type, ""),
        texts.get(encoding, ""),
        _number(texts, json_length) if json_length in texts else None,
        _number(texts, size, len(content)),
        texts.get(sha256, ""),
        texts.get(truncated) == "true",
    )


def _needed(texts: Mapping[str, str], name: str) -> str:
    if not (text := texts.get(name)):
        raise MalformedPayload("is missing; every exchange has one", where=name)
    return text


def _number(texts: Mapping[str, str], name: str, default: int = 0) -> int:
    if (digits := texts.get(name)) is None:
        return default
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise MalformedPayload(f"{digits[:32]!r} is no whole number of 1 to 20 digits", where=name)
    return int(digits)


def _headers(content: str) -> Mapping[str, str]:
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
