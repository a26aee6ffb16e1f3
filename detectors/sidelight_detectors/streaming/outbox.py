"""Appends to one partition so that each key stands there once, whatever crashed in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from sidelight.log import Offsets, Reader, Record, Stored, Writer


class Shelf(Writer, Reader, Offsets, Protocol):
    """The part of a log an outbox needs."""


class Outbox:
    """What one service says in one partition.

    A consumer keeps `begin` in the note of each commit, before it goes on. After a crash `recover`
    finds what was said since; `append` leaves it out when it is said again.
    """

    def __init__(self, log: Shelf, topic: str, partition: int) -> None:
        self._log = log
        self._topic = topic
        self._partition = partition
        self._said: set[bytes] = set()
        self._said_from = 0

    @property
    def begin(self) -> int:
        """What is not yet known to be committed stands from here on."""
        return self._said_from if self._said else self._log.span(self._topic, self._partition).end

    def recover(self, begin: int, is_ours: Callable[[Record], bool]) -> None:
        """Find the keys of our records from `begin` on."""
        self._said_from = begin
        found = read_on(self._log, self._topic, self._partition, begin)
        self._said = {stored.record.key for stored in found if is_ours(stored.record)}

    def forget(self) -> None:
        """All that was said before the crash was said again."""
        self._said.clear()

    def append(self, records: Iterable[Record]) -> None:
        new = []
        for record in records:
            if record.key in self._said:
                self._said.remove(record.key)
            else:
                new.append(record)
        if new:
            self._log.append(self._topic, new, partition=self._partition)


def read_on(log: Shelf, topic: str, partition: int, offset: int) -> Iterator[Stored]:
    """All records from `offset` to the end; from the first kept one when `offset` is gone."""
    offset = max(offset, log.span(topic, partition).begin)
    while found := log.read(topic, partition, offset):
        yield from found
        offset = found[-1].address.offset + 1
