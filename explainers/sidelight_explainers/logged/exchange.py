"""Rows of an exchange that was logged, by its id or its address in the log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock
from typing import Protocol
from uuid import UUID
from zlib import crc32

from sidelight.config.services import served_as
from sidelight.config.settings import LogSettings, ModelSettings
from sidelight.errors import (
    DataMismatch,
    LogError,
    MalformedPayload,
    OffsetOutOfRange,
    SidelightError,
)
from sidelight.events.dataref import Keeper, whole
from sidelight.events.exchange import Exchange
from sidelight.events.exchanges import from_record
from sidelight.events.store import open_store
from sidelight.log import open_log
from sidelight.log.contract import Address, Offsets, Reader, Record, Stored
from sidelight.log.topics import INFERENCE
from sidelight.protocols.decoding import decode_inputs
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.tensors import Columns

CLOCKS_APART_NS = 300_000_000_000
"""How far the clock of whoever logged may be ahead of the log's own."""
SEARCH_SECONDS = 10.0
"""An exchange is looked for no longer than that."""
MOST_SEARCHES = 3
"""At one time: they take turns, and who waits for one holds a thread that others need."""


class NotLogged(SidelightError):
    """The log does not hold that exchange, or holds it no longer."""


class Readable(Reader, Offsets, Protocol):
    """What is asked of a log here."""

    def close(self) -> None: ...


@dataclass
class LoggedRows:
    """What clients sent, read from the log of the configuration, which is opened when first asked.

    Used by several threads at once.
    """

    settings: LogSettings
    limits: Limits = DEFAULT_LIMITS
    _log: Readable | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)
    _turns: BoundedSemaphore = field(
        default_factory=lambda: BoundedSemaphore(MOST_SEARCHES), repr=False
    )

    def rows(self, name: str, model: ModelSettings, wanted: str, row: int | None = None) -> Columns:
        """The rows that the model of that name was sent in the exchange; one of them if `row`.

        `wanted` is an id, or an address such as ``inference/0/123`` (detectors name those).
        Raises `NotLogged`, `MalformedPayload` for what is neither or cannot be decoded,
        `DataMismatch` for another model's and for a row that is not there, `LogError`.
        """
        exchange = self._exchange(wanted)
        _check_model(exchange, name, model)
        rows = decode_inputs(exchange, self.limits)
        if row is None:
            return rows
        if row >= len(rows):
            raise DataMismatch(
                f"exchange {exchange.id} has {len(rows)} rows, the first is 0; no row {row}"
            )
        return rows.take([row])

    def close(self) -> None:
        """Close the log if it was opened."""
        with self._lock:
            if self._log is not None:
                self._log.close()
                self._log = None

    def _exchange(self, wanted: str) -> Exchange:
        if not self._turns.acquire(blocking=False):
            raise LogError(f"{MOST_SEARCHES} exchanges are looked for; try again later")
        try:
            return whole(from_record(self._searched(wanted)), self._store())
        finally:
            self._turns.release()

    def _searched(self, wanted: str) -> Record:
        with self._lock:  # a consumer of Kafka serves one thread
            if self._log is None:
                self._log = open_log(self.settings)
            return _record(self._log, wanted)

    def _store(self) -> Keeper | None:
        return open_store(self.settings.store) if self.settings.store else None


def _check_model(exchange: Exchange, name: str, model: ModelSettings) -> None:
    if exchange.model not in (name, served_as(name, model)):
        raise DataMismatch(
            f"exchange {exchange.id} was sent to model {exchange.model!r}, not to {name!r}"
        )


def _record(log: Readable, wanted: str) -> Record:
    if "/" in wanted:
        return _at(log, _address(wanted))
    time_ns, gives_up = _minted_ns(wanted), time.monotonic() + SEARCH_SECONDS
    for partition in _partitions(log, wanted):
        for record in _since(log, partition, time_ns - CLOCKS_APART_NS, gives_up):
            if record.key == wanted.encode():
                return record
    raise NotLogged(f"the log holds no exchange {wanted}; retention may have taken it")


def _at(log: Readable, address: Address) -> Record:
    if not 0 <= address.partition < log.partitions(INFERENCE):
        raise NotLogged(f"the log has no partition {address.partition} of {INFERENCE}")
    try:
        return log.get(address).record
    except OffsetOutOfRange as gone:
        raise NotLogged(f"the log holds nothing at {address}: {gone}") from gone


def _address(wanted: str) -> Address:
    try:
        address = Address.parse(wanted)
    except ValueError as exc:
        raise _malformed(wanted) from exc
    if address.topic != INFERENCE:
        raise _malformed(wanted)
    return address


def _minted_ns(wanted: str) -> int:
    """When the exchange began: its id says so."""
    try:
        id_ = UUID(wanted)
    except ValueError as exc:
        raise _malformed(wanted) from exc
    if id_.version != 7 or str(id_) != wanted:
        raise _malformed(wanted)
    return (id_.int >> 80) * 1_000_000


def _malformed(wanted: str) -> MalformedPayload:
    return MalformedPayload(
        f"{wanted[:100]!r} is neither an exchange's id nor an address such as {INFERENCE}/0/123",
        where="exchange",
    )


def _partitions(log: Readable, wanted: str) -> list[int]:
    """Where the key puts it first, then the others."""
    count = log.partitions(INFERENCE)
    expected = crc32(wanted.encode()) % count
    return sorted(range(count), key=lambda partition: partition != expected)


def _since(log: Readable, partition: int, time_ns: int, gives_up: float) -> Iterator[Record]:
    """The records of a partition from a time on, until the search has taken too long."""
    offset = log.offset_at(INFERENCE, partition, max(time_ns, 0))
    while found := _read(log, partition, offset):
        yield from (stored.record for stored in found)
        offset = found[-1].address.offset + 1
        if time.monotonic() > gives_up:
            raise NotLogged(
                f"not found within {SEARCH_SECONDS:g} s; name its address, {INFERENCE}/P/OFFSET"
            )


def _read(log: Readable, partition: int, offset: int) -> list[Stored]:
    try:
        return log.read(INFERENCE, partition, offset)
    except OffsetOutOfRange as gone:  # retention took it since
        return log.read(INFERENCE, partition, gone.begin)
