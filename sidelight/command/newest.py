"""The newest records of a topic, and those that are appended from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Protocol, TypeVar

from sidelight.errors import OffsetOutOfRange
from sidelight.log import Offsets, Reader, Span, Stored

T = TypeVar("T")
Telling = Callable[[Stored], T | None]
"""What is kept of a record, None when it is not wanted."""

_LOOK_SECONDS = 0.2
"""How long one partition is waited for, before the next is looked at."""


class Readable(Reader, Offsets, Protocol):
    """What is asked of a log here."""


def ends(log: Readable, topic: str) -> list[Span]:
    """What each partition holds now."""
    return [log.span(topic, partition) for partition in range(log.partitions(topic))]


def newest(
    log: Readable, topic: str, spans: list[Span], limit: int, telling: Telling[T]
) -> list[T]:
    """The last `limit` wanted records before the ends of the spans, oldest first."""
    found: list[tuple[int, T]] = []
    for partition, span in enumerate(spans):
        found += _last(log, topic, partition, span, limit, telling)
    found.sort(key=lambda one: one[0])
    return [told for _, told in found[-limit:]]


def following(log: Readable, topic: str, spans: list[Span], telling: Telling[T]) -> Iterator[T]:
    """Every wanted record from the ends of the spans on, without end."""
    offsets = [span.end for span in spans]
    while True:
        for partition, offset in enumerate(offsets):
            for stored in _read(log, topic, partition, offset, wait_seconds=_LOOK_SECONDS):
                offsets[partition] = stored.address.offset + 1
                if (told := telling(stored)) is not None:
                    yield told


def _last(
    log: Readable, topic: str, partition: int, span: Span, limit: int, telling: Telling[T]
) -> list[tuple[int, T]]:
    """The wanted records with their append times, found by looking back ever further."""
    found: list[tuple[int, T]] = []
    high, step = span.end, limit
    while high > span.begin and len(found) < limit:
        low = max(span.begin, high - step)
        before = [
            (stored.appended_ns, told)
            for stored in _between(log, topic, partition, low, high)
            if (told := telling(stored)) is not None
        ]
        found = before[-limit:] + found
        high, step = low, step * 2
    return found[-limit:]


def _between(log: Readable, topic: str, partition: int, low: int, high: int) -> Iterator[Stored]:
    while low < high and (found := _read(log, topic, partition, low)):
        yield from takewhile(lambda stored: stored.address.offset < high, found)
        low = found[-1].address.offset + 1


def _read(
    log: Readable, topic: str, partition: int, offset: int, *, wait_seconds: float = 0.0
) -> list[Stored]:
    try:
        return log.read(topic, partition, offset, wait_seconds=wait_seconds)
    except OffsetOutOfRange as gone:  # retention took it since the span was asked for
        return log.read(topic, partition, gone.begin)
