"""A stretch of the log between two times, as runs or as the panes that were said of it."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log import Address, Log, Span, Stored
from sidelight_detectors.streaming.cutter import Clock, Cutter
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.streaming.marks import Marks
from sidelight_detectors.streaming.outbox import Readable
from sidelight_detectors.streaming.run import Run

STILL = Clock(monotonic=lambda: 0.0, time_ns=lambda: 0)
"""Runs end by rows and bytes: how fast they are read now says nothing of then."""

EVERY_SECONDS = 2.0
"""Between two words on how far it has come."""


@dataclass(frozen=True)
class Between:
    """From `begin_ns` up to, not including, `end_ns`, by when records were appended."""

    begin_ns: int
    end_ns: int

    def span(self, log: Readable, topic: str, partition: int) -> Span:
        """The offsets, as far as they are still kept."""
        kept = log.span(topic, partition)
        begin = log.offset_at(topic, partition, self.begin_ns)
        end = log.offset_at(topic, partition, self.end_ns)
        return Span(max(begin, kept.begin), max(end, kept.begin))

    def spans(self, log: Readable, topic: str) -> dict[int, Span]:
        """By partition."""
        return {one: self.span(log, topic, one) for one in range(log.partitions(topic))}


@dataclass(frozen=True)
class Stretch:
    """The log with nothing of `inference` after some ends. Nothing can be written through it."""

    log: Log
    ends: Mapping[int, int]

    def read(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        max_records: int = 1000,
        max_bytes: int = 8 << 20,
        wait_seconds: float = 0.0,
    ) -> list[Stored]:
        if offset >= self.ends[partition]:
            return []
        found = self.log.read(
            topic, partition, offset, max_records=max_records, max_bytes=max_bytes
        )
        return [one for one in found if one.address.offset < self.ends[partition]]

    def get(self, address: Address) -> Stored:
        return self.log.get(address)

    def partitions(self, topic: str) -> int:
        return self.log.partitions(topic)

    def span(self, topic: str, partition: int) -> Span:
        return self.log.span(topic, partition)

    def offset_at(self, topic: str, partition: int, time_ns: int) -> int:
        return self.log.offset_at(topic, partition, time_ns)


def runs(
    log: Log,
    spans: Mapping[int, Span],
    watched: Mapping[str, WatchedColumns],
    settings: DetectorsSettings,
) -> Iterator[tuple[int, Run]]:
    """The runs of all partitions with their partition, about in the order of event time.

    One run of each partition is held at a time.
    """
    stretch = Stretch(log, {partition: span.end for partition, span in spans.items()})
    partitions = (
        _runs_of(Cutter(stretch, partition, watched, settings, STILL), partition, span)
        for partition, span in spans.items()
    )
    return heapq.merge(*partitions, key=lambda pair: pair[1].watermark_ns)


def _runs_of(cutter: Cutter, partition: int, span: Span) -> Iterator[tuple[int, Run]]:
    cutter.open_at(span.begin, Marks({}))
    while cutter.position < span.end:
        before = cutter.position
        if run := cutter.poll(0.0):
            yield partition, run
        elif cutter.position == before:
            break
    while run := cutter.poll(0.0):
        yield partition, run
    if left := cutter.close():
        yield partition, left


def nanoseconds(moment: datetime | None, default: int) -> int:
    """Since 1970; a time without a zone is in UTC."""
    if moment is None:
        return default
    told = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(told.timestamp()) * 1_000_000_000


def counting(
    tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[int], None]:
    """Counts exchanges, and tells how many there are every few seconds."""
    read, due = 0, clock() + EVERY_SECONDS

    def hear(exchanges: int) -> None:
        nonlocal read, due
        read += exchanges
        if clock() >= due:
            due = clock() + EVERY_SECONDS
            tell(f"{read:,} exchanges read")

    return hear
