"""A record of the log as one JSON object: short for an exchange, whole for what is JSON."""

from __future__ import annotations

from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import deadletters, exchanges, structured
from sidelight.events.deadletters import DEAD_LETTER_TYPE
from sidelight.events.exchange import EXCHANGE_TYPE
from sidelight.events.records import content_type_of, from_record
from sidelight.events.structured import is_structured
from sidelight.events.times import rfc3339
from sidelight.log import Record, Stored

Line = dict[str, Any]


def line_of(stored: Stored) -> Line:
    """Address, append time and content; what is no event is told by its key, headers and size."""
    place: Line = {"address": str(stored.address), "appended": rfc3339(stored.appended_ns)}
    try:
        return place | _told(stored.record)
    except MalformedPayload as exc:
        return place | _plain(stored.record) | {"error": str(exc)}


def model_of(line: Line) -> str:
    """The model a line is about; empty when it names none."""
    return str(line.get("model") or line.get("modelname") or "")


def _told(record: Record) -> Line:
    headers = dict(record.headers)
    if "ce_specversion" not in headers and not is_structured(content_type_of(record.headers)):
        return _plain(record)
    kind = headers.get("ce_type", b"").decode(errors="replace")
    return _TELLING.get(kind, _event)(record)


def _exchange(record: Record) -> Line:
    exchange = exchanges.from_record(record)
    return {
        "id": exchange.id,
        "time": rfc3339(exchange.time_ns),
        "model": exchange.model,
        "version": exchange.version,
        "method": exchange.method,
        "path": exchange.path,
        "status": exchange.status,
        "outcome": exchange.outcome,
        "seconds": exchange.duration_ns / 1e9,
        "request_bytes": exchange.request.size,
        "response_bytes": exchange.response.size,
    }


def _dead_letter(record: Record) -> Line:
    letter = deadletters.from_event(from_record(record))
    return {
        "time": rfc3339(letter.time_ns),
        "reporter": letter.reporter,
        "origin": letter.origin,
        "model": dict(letter.headers).get("ce_modelname", b"").decode(errors="replace"),
        "error": letter.error,
        "message": letter.message,
        "bytes": letter.size,
    }


def _event(record: Record) -> Line:
    event = from_record(record)
    told: Line = orjson.loads(structured.to_json(event))
    del told["specversion"]
    if told.pop("data_base64", None) is not None:
        told["bytes"] = len(event.data or b"")
    return told


def _plain(record: Record) -> Line:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return {"key": record.key.decode(errors="replace"), **headers, "bytes": len(record.value)}


_TELLING = {EXCHANGE_TYPE: _exchange, DEAD_LETTER_TYPE: _dead_letter}
