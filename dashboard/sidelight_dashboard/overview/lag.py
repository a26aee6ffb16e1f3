"""How far scoring is behind the log, and how fast exchanges come."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.errors import LogError, OffsetOutOfRange
from sidelight.log import Log
from sidelight.log.topics import INFERENCE
from sidelight_dashboard.following.position import records_left
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS

MANY = 1000
"""Records that are read in a moment; more are a log that is read from its beginning."""

RATE_NS = 60 * NS
"""Exchanges a second are averaged over so long."""


@dataclass(frozen=True, slots=True)
class Lag:
    """`waiting` records of the log are in no pane yet, the oldest since `since_ns`.

    `newest_ns` is when the last record was appended. Times are the log's clock; None where there
    is none. `per_second` is averaged over a minute. `trouble` says why the log cannot be asked.
    `unread` records of what the detectors said are still to be read here.
    """

    waiting: int
    since_ns: int | None
    newest_ns: int | None
    per_second: float
    trouble: str = ""
    unread: int = 0

    @property
    def is_reading(self) -> bool:
        """Whether we ourselves are behind, so that what is told here is old."""
        return self.unread > MANY

    def seconds(self, now_ns: int) -> float:
        """How long the oldest has waited."""
        return 0.0 if self.since_ns is None else max(now_ns - self.since_ns, 0) / NS


@dataclass(frozen=True, slots=True)
class _Partition:
    waiting: int
    since_ns: int | None
    newest_ns: int | None
    arrived: int


def lag_of(showing: Showing, now_ns: int) -> Lag:
    """Of all partitions. A run is of all models, and one that is watched no more stays behind."""
    log = showing.log
    reached: dict[int, int] = dict(
        showing.store.series.rows("SELECT partition, max(reached) FROM chain GROUP BY partition")
    )
    try:
        found = [
            _partition(log, place, reached.get(place, 0), now_ns)
            for place in range(log.partitions(INFERENCE))
        ]
        unread = records_left(showing)
    except LogError as exc:
        return Lag(0, None, None, 0.0, str(exc))
    since = [one.since_ns for one in found if one.since_ns is not None]
    newest = [one.newest_ns for one in found if one.newest_ns is not None]
    return Lag(
        sum(one.waiting for one in found),
        min(since, default=None),
        max(newest, default=None),
        sum(one.arrived for one in found) * NS / RATE_NS,
        unread=unread,
    )


def _partition(log: Log, partition: int, reached: int, now_ns: int) -> _Partition:
    span = log.span(INFERENCE, partition)
    begin = max(reached, span.begin)
    waiting = max(span.end - begin, 0)
    arrived = span.end - log.offset_at(INFERENCE, partition, now_ns - RATE_NS)
    since = _appended(log, partition, begin) if waiting else None
    newest = _appended(log, partition, span.end - 1) if span.end > span.begin else None
    return _Partition(waiting, since, newest, max(arrived, 0))


def _appended(log: Log, partition: int, offset: int) -> int | None:
    """None when retention took it in between."""
    try:
        found = log.read(INFERENCE, partition, offset, max_records=1, max_bytes=1)
    except OffsetOutOfRange:
        return None
    return found[0].appended_ns if found else None
