"""Times as people and addresses write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sidelight.errors import MalformedPayload

NS = 1_000_000_000
HOUR_NS = 3600 * NS
DAY_NS = 24 * HOUR_NS

_OVER = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp()) * NS
"""What SQLite can count."""
_PARTS = re.compile(r"[^T ]*(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?)?")
_PLUS_LOST = re.compile(r"(\S+[T ]\d\d\S*) (\d\d:?\d\d)")
"""A zone east of UTC from an address that has its ``+`` as it is, which means a space there."""
_LAST = re.compile(r"([1-9]\d{0,5})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def iso(at_ns: int) -> str:
    """UTC to the millisecond: ``2026-11-23T08:00:00.000Z``."""
    told = datetime.fromtimestamp(at_ns // NS, UTC)
    return f"{told:%Y-%m-%dT%H:%M:%S}.{at_ns % NS // 1_000_000:03d}Z"


def read_time(text: str, where: str) -> int:
    """Nanoseconds of an ISO time, UTC where it names no zone."""
    try:
        told = datetime.fromisoformat(_PLUS_LOST.sub(r"\1+\2", text))
        told = told if told.tzinfo else told.replace(tzinfo=UTC)
        at_ns = int(told.timestamp() // 1) * NS + told.microsecond * 1000
    except (ValueError, OverflowError) as exc:
        raise MalformedPayload(
            f"{text[:40]!r} is no time; write 2026-11-23T08:00:00Z", where=where
        ) from exc
    if not 0 <= at_ns < _OVER:
        raise MalformedPayload(f"{text[:40]!r} is not between 1970 and 2200", where=where)
    return at_ns


def read_end(text: str, where: str) -> int:
    """The last nanosecond of the day, minute, second or part of one that the text names."""
    return read_time(text, where) + _named(text) - 1


def _named(text: str) -> int:
    """How long that is: ``08:00`` names a minute, ``08:00:05.2`` a tenth of a second."""
    found = _PARTS.match(text)
    hour, minute, second, part = found.groups("") if found else ("",) * 4
    if part:
        return max(NS // int("1" + "0" * len(part)), 1)
    if second:
        return NS
    return 60 * NS if minute else HOUR_NS if hour else 24 * HOUR_NS


def read_length(text: str, where: str) -> int:
    """Nanoseconds of ``90s``, ``15m``, ``6h``, ``30d``."""
    found = _LAST.fullmatch(text)
    if found is None:
        raise MalformedPayload(
            f"{text[:40]!r} is no length of time; write 15m, 6h or 30d", where=where
        )
    return int(found[1]) * _SECONDS[found[2]] * NS
