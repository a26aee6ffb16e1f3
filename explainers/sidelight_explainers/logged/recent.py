"""Rows that clients sent lately, from the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Protocol

from sidelight.config.services import served_as
from sidelight.config.settings import LogSettings, ModelSettings
from sidelight.errors import DataMismatch, MalformedPayload, OffsetOutOfRange
from sidelight.events.exchange import Exchange
from sidelight.events.exchanges import from_record
from sidelight.log import open_log
from sidelight.log.contract import Offsets, Reader, Stored
from sidelight.log.topics import INFERENCE
from sidelight.protocols.decoding import decode_inputs
from sidelight.tensors import Columns

PIECE = 500
"""Records read at one time, from the newest back."""
PIECES = 40
"""Pieces read of each partition before the search for more rows ends."""


class _Log(Reader, Offsets, Protocol):
    """What is asked of a log here."""


def read_recent(
    settings: LogSettings, name: str, model: ModelSettings, features: Sequence[str], count: int
) -> Columns:
    """At most so many rows of the model of that name, newest first.

    Left out are questions of Sidelight's own, and exchanges that cannot be read or hold other
    columns than `features`. Raises `LogError` when the log cannot be read.
    """
    with closing(open_log(settings)) as log:
        return recent_rows(log, _names(name, model), features, count)


def recent_rows(log: _Log, names: frozenset[str], features: Sequence[str], count: int) -> Columns:
    """As `read_recent`, of an open log; `names` are what the model is called there."""
    found: list[tuple[int, Columns]] = []
    for partition in range(log.partitions(INFERENCE)):
        left = count
        for stored in _backwards(log, partition):
            rows = _rows(from_record(stored.record), names, features)
            if len(rows):
                found.append((stored.appended_ns, rows))
                left -= len(rows)
            if left <= 0:
                break
    found.sort(key=lambda one: -one[0])
    return _joined([rows for _, rows in found]).take(slice(count))


def _names(name: str, model: ModelSettings) -> frozenset[str]:
    return frozenset({name, served_as(name, model)})


def _backwards(log: _Log, partition: int) -> Iterator[Stored]:
    span = log.span(INFERENCE, partition)
    end = span.end
    for _ in range(PIECES):
        begin = max(span.begin, end - PIECE)
        if begin >= end:
            return
        try:
            yield from reversed(_between(log, partition, begin, end))
        except OffsetOutOfRange:  # retention took it since
            return
        end = begin


def _between(log: _Log, partition: int, begin: int, end: int) -> list[Stored]:
    records: list[Stored] = []
    while begin < end and (read := log.read(INFERENCE, partition, begin)):
        records += [one for one in read if one.address.offset < end]
        begin = read[-1].address.offset + 1
    return records


def _rows(exchange: Exchange, names: frozenset[str], features: Sequence[str]) -> Columns:
    """None where the exchange tells nothing of what clients send to the model."""
    if exchange.purpose or exchange.model not in names or exchange.status >= 400:
        return Columns(())
    try:
        rows = decode_inputs(exchange)
        return Columns(tuple(rows.select(features) if features else rows))
    except (MalformedPayload, DataMismatch):
        return Columns(())


def _joined(parts: Sequence[Columns]) -> Columns:
    """Those that hold the same kinds of columns as the newest."""
    alike = [part for part in parts if _kinds(part) == _kinds(parts[0])]
    return Columns.concatenate(alike)


def _kinds(rows: Columns) -> list[tuple[str, str]]:
    return [(column.name, column.kind) for column in rows]
