"""Logs on disk for the tests of the local engine: small segments, numbered records."""

from __future__ import annotations

from pathlib import Path

from sidelight.config.settings import LogSettings
from sidelight.log import Record, Stored
from sidelight.log.local import LocalLog

SEGMENT_BYTES = 64 << 10


def settings(place: Path, **changes: object) -> LogSettings:
    return LogSettings.model_validate(
        {"url": str(place), "segment_bytes": SEGMENT_BYTES, **changes}
    )


def numbered(begin: int, end: int) -> list[Record]:
    """Records whose value begins with their number, about 1.5 KiB each."""
    return [
        Record(b"%d " % n + bytes([n % 251]) * (1400 + n % 100), b"k%d" % n, (("n", b"%d" % n),))
        for n in range(begin, end)
    ]


def append(log: LocalLog, begin: int, end: int, *, step: int = 5) -> list[int]:
    """Append the numbers in small batches; answers their offsets."""
    return [
        address.offset
        for first in range(begin, end, step)
        for address in log.append("inference", numbered(first, min(first + step, end)))
    ]


def read_all(log: LocalLog, begin: int | None = None) -> list[Stored]:
    """Everything from the first kept record on."""
    found: list[Stored] = []
    offset = log.span("inference", 0).begin if begin is None else begin
    while step := log.read("inference", 0, offset, max_records=50):
        assert step[0].address.offset >= offset
        found += step
        offset = step[-1].address.offset + 1
    return found


def numbers(found: list[Stored]) -> list[int]:
    return [int(stored.record.value.split()[0]) for stored in found]


def segments(place: Path, topic: str = "inference") -> list[Path]:
    """The segment files of the first partition, oldest first."""
    return sorted((place / "topics" / topic / "0").glob("*.segment"))
