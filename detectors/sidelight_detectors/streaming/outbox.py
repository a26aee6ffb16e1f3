"""Appends to one partition so that each key stands there once, whatever crashed in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from sidelight.log import Offsets, Reader, Record, Stored, Writer


class Readable(Reader, Offsets, Protocol):
    """The part of a log that reads."""


class Shelf(Writer, Readable, Protocol):
    """The part of a log an outbox needs."""


class Outbox:
    """What one service says in one partition.

    A consumer keeps `begin` in the note of each commit, before it goes on. After a crash `recover`
    finds what was said since; `append` leaves it out when it is said again.

    On a log whose groups are shared a consumer that is taken for dead may still append. What it
    says then stands here twice, with the same key.
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

    def recover(self, begin: int, is_ours: Callable[[Record], bool]) -> Iterator[None]:
        """Find the keys of our records from `begin` on, a bounded number at each step."""
        self._said_from = begin
        for found in batches_from(self._log, self._topic, self._partition, begin):
            self._said.update(one.record.key for one in found if is_ours(one.record))
            yield

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


def batches_from(log: Readable, topic: str, partition: int, offset: int) -> Iterator[list[Stored]]:
    """All records from `offset` to the end, as they are read; from the first kept one."""
    offset = max(offset, log.span(topic, partition).begin)
    while found := log.read(topic, partition, offset):
        yield found
        offset = found[-1].address.offset + 1


def read_on(log: Readable, topic: str, partition: int, offset: int) -> Iterator[Stored]:
    """All records from `offset` to the end; from the first kept one when `offset` is gone."""
    for found in batches_from(log, topic, partition, offset):
        yield from found
