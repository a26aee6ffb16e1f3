"""RFC 3339 times: to the nanosecond, both ways, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from sidelight.errors import MalformedPayload
from sidelight.events.times import parse_rfc3339, rfc3339
from tests.sidelight.event_strategies import times_ns


@given(times_ns)
def test_every_nanosecond_comes_back(time_ns: int) -> None:
    assert parse_rfc3339(rfc3339(time_ns)) == time_ns


@given(times_ns)
def test_the_standard_library_reads_the_same_time(time_ns: int) -> None:
    text = rfc3339(time_ns - time_ns % 1000)
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1000)
    assert datetime.fromisoformat(text) == expected


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01 00:00:00.5Z", 500_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T18:30:00-05:30", 0),
        ("1970-01-01T00:00:00.1234567891Z", 123_456_789),
        ("2016-12-31T23:59:60Z", 1_483_228_800 * 10**9),
        ("1969-12-31T23:59:59.999999999Z", -1),
    ],
)
def test_all_forms_of_the_rfc_are_read(text: str, nanoseconds: int) -> None:
    assert parse_rfc3339(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-09-21", "2026-09-21T12:00:00", "2026-9-21T12:00:00Z"),
        *("2026-02-30T12:00:00Z", "2026-09-21T24:00:00Z", "2026-09-21T12:00:61Z"),
        *("2026-09-21T12:00:00.Z", "2026-09-21T12:00:00+25:00", "٢٠٢٦-09-21T12:00:00Z"),
        *("0000-01-01T00:00:00Z", "2026-09-21T12:00:00Z "),
    ],
)
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(MalformedPayload, match="time"):
        parse_rfc3339(text)


def test_a_time_outside_the_calendar_is_refused() -> None:
    with pytest.raises(MalformedPayload, match="years 1 to 9999"):
        rfc3339(2**63 * 1000)
