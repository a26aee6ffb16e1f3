"""Events whose data lies in a store: CloudEvents' extension ``dataref``, and the data's hash.

An event that refers carries no data itself. Only the store of the configuration is ever asked, and
only for the name that `referring` gives: an address in an event is a claim, not a way.
Source: CloudEvents extension "Dataref (Claim Check Pattern)" 1.0.2.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Protocol

from sidelight.errors import MalformedPayload
from sidelight.events import exchanges, records
from sidelight.events.exchange import Exchange
from sidelight.events.times import parse_rfc3339, rfc3339
from sidelight.log.contract import Record

DATAREF = "dataref"
DATASHA256 = "datasha256"
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


def is_elsewhere(exchange: Exchange) -> bool:
    """Whether the bodies are to be got with `whole`."""
    return DATAREF in exchange.extensions


def whole(exchange: Exchange, store: Keeper | None) -> Exchange:
    """The exchange with its bodies, from the store if they are there.

    Raises `MalformedPayload` when the reference leads out of the store or to other data,
    `StoreUnreachable` when the store cannot be asked.
    """
    if not is_elsewhere(exchange):
        return exchange
    reference = exchange.extensions[DATAREF]
    if store is None:
        raise MalformedPayload(
            f"the bodies lie at {reference[:256]!r}; set log.store to read them", where=DATAREF
        )
    name = reference.removeprefix(f"{store.url}/")
    if name == reference or not _NAME.fullmatch(name):
        raise MalformedPayload(
            f"{reference[:256]!r} is no name in log.store {store.url}; it is not followed",
            where=DATAREF,
        )
    data = store.get(name)
    if hashlib.sha256(data).hexdigest() != exchange.extensions.get(DATASHA256):
        raise MalformedPayload(f"what lies at {reference} is other data", where=DATASHA256)
    return exchanges.with_data(exchange, data)


def _day(time: str) -> str:
    return rfc3339(parse_rfc3339(time) if time else 0)[: len("2026-09-21")].replace("-", "")
