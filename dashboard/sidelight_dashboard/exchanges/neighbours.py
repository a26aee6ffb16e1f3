"""The exchanges of the same model before and after one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sidelight.errors import MalformedPayload, OffsetOutOfRange
from sidelight.events.exchanges import from_record
from sidelight.events.feedback import is_feedback
from sidelight.log import Log
from sidelight.log.contract import Address, Stored

FAR = 20
"""Records looked at on either side: the log holds other models' too."""


@dataclass(frozen=True)
class Neighbours:
    """Their addresses in the same partition; None where none is near."""

    before: Address | None
    after: Address | None


def neighbours_of(log: Log, address: Address, served: str) -> Neighbours:
    """Of the exchange at that address, whose model is called `served` in the log."""
    begin = max(log.span(address.topic, address.partition).begin, address.offset - FAR)
    before = _between(log, address, begin)
    after = _read(log, address, address.offset + 1)
    return Neighbours(_first(reversed(before), served), _first(after, served))


def _between(log: Log, address: Address, begin: int) -> list[Stored]:
    """What lies from `begin` up to the address, in as many reads as its bytes need."""
    records: list[Stored] = []
    while begin < address.offset and (read := _read(log, address, begin)):
        records += [one for one in read if one.address.offset < address.offset]
        begin = read[-1].address.offset + 1
    return records


def _read(log: Log, address: Address, offset: int) -> list[Stored]:
    try:
        return log.read(address.topic, address.partition, offset, max_records=FAR)
    except OffsetOutOfRange:  # nothing there yet, or retention took it since
        return []


def _first(records: Iterable[Stored], served: str) -> Address | None:
    return next((one.address for one in records if _is_of(one, served)), None)


def _is_of(stored: Stored, served: str) -> bool:
    try:
        return not is_feedback(stored.record) and from_record(stored.record).model == served
    except MalformedPayload:
        return False
