"""One partition of one topic: reads over its segments, appends to the newest."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TypeVar

from sidelight.errors import LogError, OffsetOutOfRange
from sidelight.log.contract import Span, Stored
from sidelight.log.local.damage import Damages
from sidelight.log.local.failures import Damaged, Gone
from sidelight.log.local.repair import known_end, repair
from sidelight.log.local.rows import stored
from sidelight.log.local.segment import Segment
from sidelight.log.local.shelf import Shelf

_OPEN_SEGMENTS = 4
_ATTEMPTS = 5
"""A segment may be retired by another process just when it is opened; look again."""

Answer = TypeVar("Answer")


class Partition:
    """The reading side of one partition in this process."""

    def __init__(self, shelf: Shelf, damages: Damages) -> None:
        self._shelf = shelf
        self._damages = damages
        self._segments: OrderedDict[int, Segment] = OrderedDict()
        self._lock = Lock()

    def read(self, offset: int, max_records: int, max_bytes: int) -> list[Stored]:
        """Records from `offset` on, of one segment; empty at the end."""
        return self._steadily(lambda: self._read(offset, max_records, max_bytes))

    def get(self, offset: int) -> Stored:
        found = self.read(offset, 1, 1)
        if not found or found[0].address.offset != offset:
            raise self._out_of_range(offset)
        return found[0]

    def span(self) -> Span:
        return self._steadily(self._span)

    def offset_at(self, time_ns: int) -> int:
        return self._steadily(lambda: self._offset_at(time_ns))

    def close(self) -> None:
        with self._lock:
            for segment in self._segments.values():
                segment.close()
            self._segments.clear()

    def _read(self, offset: int, max_records: int, max_bytes: int) -> list[Stored]:
        bases = self._shelf.bases()
        if offset < (bases[0] if bases else 0):
            raise self._out_of_range(offset)
        for base in bases[max(bisect_right(bases, offset) - 1, 0) :]:
            found = self._ask(base, lambda s: self._rows(s, offset, max_records, max_bytes))
            if found:
                return found
        if offset > self._span().end:
            raise self._out_of_range(offset)
        return []

    def _rows(
        self, segment: Segment, offset: int, max_records: int, max_bytes: int
    ) -> list[Stored]:
        topic, partition = self._shelf.topic, self._shelf.partition
        successor = self._shelf.successor(segment.base)
        rows = segment.rows(offset, successor or 1 << 62, max_records, max_bytes)
        if not rows and successor is not None:
            end = known_end(self._shelf, segment)
            if end < successor:
                self._damages.report(self._shelf, end, successor, "no segment holds these offsets")
        return [stored(row, topic, partition) for row in rows]

    def _span(self) -> Span:
        bases = self._shelf.bases()
        if not bases:
            return Span(0, 0)
        return Span(bases[0], self._ask(bases[-1], lambda s: s.last().end))

    def _offset_at(self, time_ns: int) -> int:
        bases = self._shelf.bases()
        later = bisect_left(bases, time_ns, key=lambda b: self._ask(b, lambda s: s.mark().floor_ns))
        for base in bases[max(later - 1, 0) :]:
            found = self._ask(base, lambda s: s.first_at(time_ns))
            if found is not None:
                return found
        return self._span().end

    def _ask(self, base: int, question: Callable[[Segment], Answer]) -> Answer:
        try:
            return question(self._segment(base))
        except Damaged as exc:
            self._forget(base)
            repair(self._shelf, base, exc, self._damages)
        return question(self._segment(base))

    def _steadily(self, question: Callable[[], Answer]) -> Answer:
        """Ask again when another process retired a segment in between."""
        for _ in range(_ATTEMPTS):
            with suppress(Gone):
                return question()
        raise LogError(f"{self._shelf.folder}: segments vanish while they are read; try again")

    def _segment(self, base: int) -> Segment:
        with self._lock:
            sealed = self._shelf.successor(base) is not None
            segment = self._segments.get(base)
            if segment is None or segment.sealed != sealed:
                self._close(base)
                segment = Segment(self._shelf.path(base), base, sealed=sealed)
                self._segments[base] = segment
            self._segments.move_to_end(base)
            kept = set(self._shelf.bases())
            for other in [b for b in self._segments if b not in kept]:
                self._close(other)
            while len(self._segments) > _OPEN_SEGMENTS:
                self._close(next(iter(self._segments)))
            return segment

    def _forget(self, base: int) -> None:
        with self._lock:
            self._close(base)

    def _close(self, base: int) -> None:
        segment = self._segments.pop(base, None)
        if segment is not None:
            segment.close()

    def _out_of_range(self, offset: int) -> OffsetOutOfRange:
        begin, end = self._span().begin, self._span().end
        return OffsetOutOfRange(
            f"offset {offset} of {self._shelf.topic}/{self._shelf.partition} is not there: "
            f"it holds {begin} up to {end}; go on from one of these",
            begin=begin,
            end=end,
        )
