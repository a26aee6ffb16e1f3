"""What stands in a file for a record of the log: KServe's records, or one row of ours."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from sidelight.config.settings import SinkSettings
from sidelight.errors import MalformedPayload
from sidelight.events import kserve, records
from sidelight.events.attributes import text_of
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.exchange import Body, Exchange
from sidelight.events.exchanges import from_record
from sidelight.events.times import rfc3339
from sidelight.log.contract import Stored
from sidelight_logger.shipper.carrying.form import is_exchange
from sidelight_logger.shipper.files import logrequests

_SAFE = re.compile(r"[0-9A-Za-z_-]{1,128}")
_LARGEST = (1 << 63) - 1
"""That a column holds; a foreign logger may tell any number."""
_NAMES = ("namespace", "inferenceservicename", "component")
_TEXTS = ("method", "path", "protocol", "model", "version", "outcome", "correlation_id")


@dataclass(frozen=True, slots=True)
class Row:
    """`folder` and `name` say where it is looked for when it stands alone; `fields` in order."""

    folder: str
    name: str
    fields: Mapping[str, Any]


def rows(stored: Stored, sink: SinkSettings) -> list[Row]:
    """The rows of a record; raises `MalformedPayload` when it is not what it claims."""
    if not is_exchange(stored.record):
        return [_of_event(records.from_record(stored.record), sink)]
    exchange = from_record(stored.record)
    if sink.form == "kserve":
        return list(_of_halves(exchange, stored, sink))
    folder = folder_of(exchange.extensions, sink)
    return [Row(folder, f"{_safe(exchange.id)}-exchange", _exchange(exchange))]


def folder_of(names: Mapping[str, str], sink: SinkSettings) -> str:
    """Below the sink's address: namespace, service and component, then ``storage.path``."""
    parts = [_part(names.get(name, "")) for name in _NAMES]
    return "/".join(part for part in (*parts, sink.files.path.strip("/")) if part)


def _of_halves(exchange: Exchange, stored: Stored, sink: SinkSettings) -> Iterator[Row]:
    shape = logrequests.nested if sink.files.format == "json" else logrequests.flat
    for half in kserve.to_events(exchange, stored.appended_ns):
        kind = half.type.rpartition(".")[2]
        folder = folder_of(exchange.extensions, sink)
        # Our id, since a client may send its own twice, or one that is a path.
        yield Row(folder, f"{_safe(exchange.id)}-{kind}", shape(half, sink))


def _of_event(event: CloudEvent, sink: SinkSettings) -> Row:
    """What is no exchange, such as feedback: its data stands where a request's does."""
    texts = {name: text_of(value) for name, value in event.extensions.items()}
    name = f"{_safe(event.id)}-event"
    if sink.form == "exchange":
        return Row(folder_of(texts, sink), name, _event(event, texts))
    shape = logrequests.nested if sink.files.format == "json" else logrequests.flat
    return Row(folder_of(texts, sink), name, shape(event, sink))


def _exchange(exchange: Exchange) -> dict[str, Any]:
    texts = {name.replace("_", ""): getattr(exchange, name) for name in _TEXTS}
    return {
        "id": exchange.id,
        "type": "exchange",
        "time": rfc3339(exchange.time_ns),
        "durationns": min(exchange.duration_ns, _LARGEST),
        "status": min(exchange.status, _LARGEST),
        **texts,
        "traceparent": exchange.traceparent,
        "source": exchange.source,
        "headers": orjson.dumps(exchange.headers).decode(),
        "extensions": orjson.dumps(exchange.extensions).decode(),
        **_body("request", exchange.request),
        **_body("response", exchange.response),
    }


def _event(event: CloudEvent, texts: Mapping[str, str]) -> dict[str, Any]:
    data = Body(event.data or b"", event.datacontenttype or "", size=len(event.data or b""))
    return {
        "id": event.id,
        "type": event.type,
        "time": rfc3339(event.time_ns or 0),
        "durationns": 0,
        "status": 0,
        **{name.replace("_", ""): "" for name in _TEXTS},
        "model": texts.get("modelname", ""),
        "traceparent": "",
        "source": event.source,
        "headers": "{}",
        "extensions": orjson.dumps(texts).decode(),
        **_body("request", data),
        **_body("response", Body()),
    }


def _body(side: str, body: Body) -> dict[str, Any]:
    return {
        side: body.content,
        f"{side}contenttype": body.content_type,
        f"{side}encoding": body.content_encoding,
        f"{side}size": min(body.size, _LARGEST),
        f"{side}sha256": body.sha256,
        f"{side}truncated": body.truncated,
    }


def _part(name: str) -> str:
    """One step of a path, whatever the name is: another logger may have sent it."""
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")


def _safe(id_: str) -> str:
    if _SAFE.fullmatch(id_):
        return id_
    if not id_:
        raise MalformedPayload("is empty", where="id")
    return hashlib.sha256(id_.encode()).hexdigest()
