"""Events whose data lies in a store: CloudEvents' extension ``dataref``, and the data's hash.

An event that refers carries no data itself. Only the store of the configuration is ever asked, and
only for the name that `referring` gives: an address in an event is a claim, not a way. An exchange
that was joined from two events has one for each side (``requestdataref``, ``responsedataref``).
Source: CloudEvents extension "Dataref (Claim Check Pattern)" 1.0.2.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, Protocol, get_args

from sidelight.errors import MalformedPayload
from sidelight.events import exchanges, records
from sidelight.events.attributes import text_of
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.exchange import Body, Exchange
from sidelight.events.times import parse_rfc3339, rfc3339
from sidelight.log.contract import Record

DATAREF = "dataref"
DATASHA256 = "datasha256"
Side = Literal["request", "response"]
_SIDES: tuple[Side, ...] = get_args(Side)
_NAME = re.compile(r"[0-9]{8}/[0-9a-f]{64}")


class Keeper(Protocol):
    """What data is put to and got from; raises `StoreUnreachable`."""

    url: str

    def put(self, name: str, data: bytes) -> None: ...

    def get(self, name: str) -> bytes:
        """Raises `MalformedPayload` when there is nothing of that name, or too much."""
        ...


def referring(record: Record, store: Keeper) -> Record:
    """The event of the record, in binary mode, with its data put to the store first.

    The name is the event's day and the data's hash: put again, it is the same.
    """
    time = records.attribute_headers(record.headers).get("time", "")
    digest = hashlib.sha256(record.value).hexdigest()
    name = f"{_day(time)}/{digest}"
    store.put(name, record.value)
    refers = (
        (records.PREFIX + DATAREF, f"{store.url}/{name}".encode()),
        (records.PREFIX + DATASHA256, digest.encode()),
    )
    return replace(record, value=b"", headers=(*record.headers, *refers))


def references_of(side: Side, event: CloudEvent | None) -> dict[str, str]:
    """What an exchange keeps of a half whose data lies in a store, beside the other half's."""
    if event is None or event.data or DATAREF not in event.extensions:
        return {}
    digest = text_of(event.extensions.get(DATASHA256, ""))
    return {side + DATAREF: text_of(event.extensions[DATAREF]), side + DATASHA256: digest}


def is_elsewhere(exchange: Exchange) -> bool:
    """Whether a body is to be got with `whole`."""
    return any(part + DATAREF in exchange.extensions for part in ("", *_SIDES))


def whole(exchange: Exchange, store: Keeper | None) -> Exchange:
    """The exchange with its bodies, from the store if they are there.

    Raises `MalformedPayload` when a reference leads out of the store or to other data,
    `StoreUnreachable` when the store cannot be asked.
    """
    if not is_elsewhere(exchange):
        return exchange
    if DATAREF in exchange.extensions:
        return exchanges.with_data(exchange, _data(exchange.extensions, "", store))
    return replace(
        exchange,
        request=_body(exchange.request, exchange, "request", store),
        response=_body(exchange.response, exchange, "response", store),
    )


def _body(body: Body, exchange: Exchange, side: Side, store: Keeper | None) -> Body:
    if side + DATAREF not in exchange.extensions:
        return body
    content = _data(exchange.extensions, side, store)
    return replace(body, content=content, size=body.size or len(content))


def _data(extensions: Mapping[str, str], part: str, store: Keeper | None) -> bytes:
    reference = extensions[part + DATAREF]
    if store is None:
        raise MalformedPayload(
            f"a body lies at {reference[:256]!r}; set log.store to read it", where=DATAREF
        )
    name = reference.removeprefix(f"{store.url}/")
    if name == reference or not _NAME.fullmatch(name):
        raise MalformedPayload(
            f"{reference[:256]!r} is no name in log.store {store.url}; it is not followed",
            where=DATAREF,
        )
    data = store.get(name)
    if hashlib.sha256(data).hexdigest() != extensions.get(part + DATASHA256):
        raise MalformedPayload(f"what lies at {reference} is other data", where=DATASHA256)
    return data


def _day(time: str) -> str:
    return rfc3339(parse_rfc3339(time) if time else 0)[: len("2026-09-21")].replace("-", "")
