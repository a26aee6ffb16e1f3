"""What an exchange carried, to be read by people: the headers that were kept, and both bodies."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import exchanges
from sidelight.events.exchange import Body
from sidelight.log import Record


def payloads_of(record: Record) -> dict[str, Any]:
    """Nothing of what is no exchange."""
    try:
        exchange = exchanges.from_record(record)
    except MalformedPayload:
        return {}
    sides = {
        **dict(_side("request", exchange.request)),
        **dict(_side("response", exchange.response)),
    }
    return {"headers": dict(exchange.headers), **sides}


def _side(name: str, body: Body) -> Iterator[tuple[str, Any]]:
    """JSON as it is, else a text, else base64; nothing where nothing was kept."""
    if not body.content:
        return
    with contextlib.suppress(ValueError):
        yield name, _json(body) if "json" in body.content_type else body.content.decode()
        return
    yield f"{name}_base64", base64.b64encode(body.content).decode()


def _json(body: Body) -> Any:
    try:
        return orjson.loads(body.content)
    except ValueError:  # cut, or NaN, which servers send and JSON has not
        return body.content.decode()
