"""Reads on from a place in one partition, also when retention was faster or the topic is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sidelight.errors import OffsetOutOfRange
from sidelight.log.contract import Log, Stored

RETIRED, RESET = "retired", "reset"
"""Records that were gone before they were read; times that a topic began anew."""
LOSSES = (RETIRED, RESET)

MAX_RECORDS = 1000


@dataclass
class Bookmark:
    """`offset` is the next record to read; `lost` counts what could not be read any more."""

    log: Log
    topic: str
    partition: int
    offset: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    @property
    def lag(self) -> int:
        """Records that were not read yet."""
        return max(0, self.log.span(self.topic, self.partition).end - self.offset)

    def read(self, wait_seconds: float) -> list[Stored]:
        """What comes next; nothing, and another offset, when the one asked for is gone."""
        try:
            found = self.log.read(
                self.topic,
                self.partition,
                self.offset,
                max_records=MAX_RECORDS,
                wait_seconds=wait_seconds,
            )
        except OffsetOutOfRange as gone:
            if gone.begin <= self.offset <= gone.end:
                raise
            self._go_on_from(gone.begin)
            return []
        if found:
            self.offset = found[-1].address.offset + 1
        return found

    def _go_on_from(self, begin: int) -> None:
        if begin > self.offset:
            self.lost[RETIRED] += begin - self.offset
        else:
            self.lost[RESET] += 1
        self.offset = begin


def between(log: Log, topic: str, partition: int, first: int, end: int) -> Iterator[Stored]:
    """The records from `first` up to, not including, `end` that are still there."""
    place = Bookmark(log, topic, partition, first)
    while place.offset < end:
        before = place.offset
        found = place.read(0.0)
        yield from (stored for stored in found if stored.address.offset < end)
        if place.offset == before:
            return
