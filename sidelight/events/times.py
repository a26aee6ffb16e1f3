"""RFC 3339 times to the nanosecond, as events carry them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sidelight.errors import MalformedPayload

NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_NS = int((datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * NS
_LAST_NS = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds()) * NS
_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def rfc3339(time_ns: int) -> str:
    """The time in UTC: ``2026-09-21T12:00:00.000000001Z``; no fraction when it is zero."""
    if not _FIRST_NS <= time_ns <= _LAST_NS:
        raise MalformedPayload(f"time {time_ns} ns is outside the years 1 to 9999")
    seconds, fraction = divmod(time_ns, NS)
    text = _to_the_second(seconds)
    return f"{text}.{fraction:09d}Z" if fraction else f"{text}Z"


@lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def parse_rfc3339(text: str) -> int:
    """Nanoseconds since 1970 in UTC; digits below a nanosecond are cut off.

    A leap second counts as the second after it. `MalformedPayload` when there is no time zone.
    """
    match = _FORM.fullmatch(text)
    if match is None or match[3] > "60":
        raise MalformedPayload(
            f"{text[:64]!r} is not an RFC 3339 time such as 2026-09-21T12:00:00.5Z", where="time"
        )
    day, minute, second, fraction, zone = match.groups("")
    return _from_minute(day, minute, zone) + int(second) * NS + int(fraction[:9].ljust(9, "0"))


@lru_cache(maxsize=64)
def _from_minute(day: str, minute: str, zone: str) -> int:
    offset = "+00:00" if zone in "Zz" else zone
    text = f"{day}T{minute}:00{offset}"
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(seconds=1) * NS
    except (ValueError, OverflowError) as exc:
        raise MalformedPayload(f"{text} is not a time: {exc}", where="time") from exc
