"""What is sent for a record that the target does not take whole: a reference to it, or its head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sidelight.errors import StoreUnreachable
from sidelight.events import Body, exchanges
from sidelight.events.dataref import referring
from sidelight.events.store import Store
from sidelight.log.contract import Record, Stored
from sidelight_logger.shipper.carrying.fates import SinkFailed, SinkRefused
from sidelight_logger.shipper.carrying.form import Form, appendable, is_exchange
from sidelight_logger.wire.sinks import CUT, REFERENCED, STORE

_KEPT_BYTES = 16 << 10
"""Of a body that is cut, for whoever looks at it; values up to this size stay in their record."""


@dataclass(frozen=True)
class Reduced:
    records: Sequence[Record]
    reason: str


class Outsized:
    """Moves data to the store; without one, cuts both bodies."""

    def __init__(self, store: Store | None) -> None:
        self._store = store

    def reduced(self, stored: Stored, records: Sequence[Record], form: Form) -> Reduced:
        """What to send instead of `records`.

        Raises `SinkFailed` when the store cannot be reached, `SinkRefused` when there is nothing to
        cut, `MalformedPayload` when the record is not what it claims.
        """
        if self._store is not None:
            return Reduced([_moved(record, self._store) for record in records], REFERENCED)
        if not is_exchange(stored.record):
            raise SinkRefused(f"{stored.address}: too large, no exchange, and log.store is not set")
        return Reduced(appendable(replace(stored, record=_cut(stored.record)), form), CUT)


def _moved(record: Record, store: Store) -> Record:
    if len(record.value) <= _KEPT_BYTES:
        return record
    try:
        return referring(record, store)
    except StoreUnreachable as exc:
        raise SinkFailed(str(exc), STORE) from exc


def _cut(record: Record) -> Record:
    exchange = exchanges.from_record(record)
    cut = replace(exchange, request=_head(exchange.request), response=_head(exchange.response))
    return exchanges.to_record(cut)


def _head(body: Body) -> Body:
    if len(body.content) <= _KEPT_BYTES:
        return body
    return replace(body, content=body.content[:_KEPT_BYTES], truncated=True)
