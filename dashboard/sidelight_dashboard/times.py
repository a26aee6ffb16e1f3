"""Times as people and addresses write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sidelight.errors import MalformedPayload

NS = 1_000_000_000
HOUR_NS = 3600 * NS

_LAST = re.compile(r"([1-9]\d{0,5})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def iso(at_ns: int) -> str:
    """UTC to the millisecond: ``2026-11-23T08:00:00.000Z``."""
    told = datetime.fromtimestamp(at_ns // NS, UTC)
    return f"{told:%Y-%m-%dT%H:%M:%S}.{at_ns % NS // 1_000_000:03d}Z"


def read_time(text: str, where: str) -> int:
    """Nanoseconds of an ISO time, UTC where it names no zone."""
    try:
        told = datetime.fromisoformat(text)
        told = told if told.tzinfo else told.replace(tzinfo=UTC)
        whole = int(told.timestamp() // 1)
    except (ValueError, OverflowError) as exc:
        raise MalformedPayload(
            f"{text[:40]!r} is no time; write 2026-11-23T08:00:00Z", where=where
        ) from exc
    return whole * NS + told.microsecond * 1000


def read_length(text: str, where: str) -> int:
    """Nanoseconds of ``90s``, ``15m``, ``6h``, ``30d``."""
    found = _LAST.fullmatch(text)
    if found is None:
        raise MalformedPayload(
            f"{text[:40]!r} is no length of time; write 15m, 6h or 30d", where=where
        )
    return int(found[1]) * _SECONDS[found[2]] * NS
