"""Where a half came from: which record of which foreign topic, told in a header of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidelight.log.contract import Headers, Record

HEADER = "sidelight-origin"
MAX_ORIGINS = 4096
"""Foreign partitions remembered; the one silent for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One record of a foreign partition. `place` names the partition among all there ever were."""

    place: str
    offset: int

    def header(self) -> tuple[str, bytes]:
        return HEADER, f"{self.place}/{self.offset}".encode()


def origin_of(headers: Headers) -> Origin | None:
    """The origin of a half; None when it was appended by somebody on this side."""
    for name, value in headers:
        if name == HEADER:
            place, _, offset = value.decode(errors="replace").rpartition("/")
            return Origin(place, int(offset)) if offset.isdecimal() else None
    return None


def marked(record: Record, origin: Origin) -> Record:
    """The foreign record with its origin beside it."""
    headers = tuple(header for header in record.headers if header[0] != HEADER)
    return Record(record.value, record.key, (*headers, origin.header()))


class Origins:
    """The highest offset seen of each foreign partition.

    Whoever carries a partition does so in its order, and begins again somewhere before where a
    crash stopped it: what stands at or below the mark was seen, and nothing above it was.
    """

    def __init__(self, saved: Mapping[str, int]) -> None:
        self._highest = dict(saved)

    def is_new(self, origin: Origin | None) -> bool:
        """Whether the record was not seen yet; from now on it was."""
        if origin is None:
            return True
        # Taken out and put back at the end: the first key is the place silent for longest.
        highest = self._highest.pop(origin.place, -1)
        self._highest[origin.place] = max(highest, origin.offset)
        if len(self._highest) > MAX_ORIGINS:
            self._highest.pop(next(iter(self._highest)))
        return origin.offset > highest

    def saved(self) -> dict[str, int]:
        return dict(self._highest)
