"""From the records of one partition to full batches, and where to go on after a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sidelight.log import Stored
from sidelight.tensors import Columns
from sidelight_detectors.stations.batch import Batch, Waiting
from sidelight_detectors.stations.contract import Station
from sidelight_detectors.streaming.ahead import open_ahead
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.intake import Sample, take
from sidelight_detectors.streaming.marks import Marks
from sidelight_detectors.streaming.opened import Rows


@dataclass(frozen=True, slots=True)
class Begin:
    """The first row that no full batch holds: its exchange and number, and the marks before it."""

    offset: int
    row: int = 0
    marks: Mapping[str, int] = field(default_factory=dict)


class Feed:
    """Rows in the order of the log, in batches of `size`. `counts` what became no part of one."""

    def __init__(self, station: Station, size: int, begin: Begin) -> None:
        self.counts: Counter[str] = Counter()
        self.offset = begin.offset
        self._station = station
        self._by_server = {station.served_as: station.watched}
        self._waiting = Waiting(size)
        self._marks = Marks(begin.marks)
        self._resumed_at = begin
        self._begin = begin

    @property
    def begin(self) -> Begin:
        """Where whoever comes after goes on."""
        return self._begin if len(self._waiting) else Begin(self.offset, 0, self._marks.saved())

    def batches(self, found: list[Stored]) -> Iterator[Batch]:
        """Those that are full with these records, which follow on those before."""
        chosen = [stored for stored in found if self._is_chosen(stored)]
        self.counts["unsampled"] += len(found) - len(chosen)
        for stored in open_ahead(chosen, self._by_server):
            yield from self._take(stored)
        if found:
            self.offset = found[-1].address.offset + 1

    def jump(self, offset: int) -> None:
        """Go on there; no batch holds rows of both sides of the gap."""
        self.counts["skipped"] += offset - self.offset
        self.counts["rows"] -= self._waiting.drop()
        self.offset = offset

    def _is_chosen(self, stored: Stored) -> bool:
        """By where it stands: alike after a restart, and not by an id, which clients may choose."""
        station = self._station
        if station.sample >= 1:
            return True
        drawn = digest(station.group, str(stored.address))
        return int(drawn[:8], 16) < station.sample * 2**32

    def _take(self, stored: Stored) -> Iterator[Batch]:
        before = self._marks.saved()
        _, taken = take(stored, self._by_server, self._marks.is_new)
        rows = self._rows(taken) if isinstance(taken, Sample) else None
        if rows is None or not len(rows):
            return
        self.counts["rows"] += len(rows)
        yield from self._waiting.add(rows)
        if len(self._waiting) and self._waiting.first[0] == stored.address.offset:
            self._begin = Begin(*self._waiting.first, before)

    def _rows(self, sample: Sample) -> Batch | None:
        """What is usable of the exchange, without what a full batch held before a restart."""
        try:
            read = self._station.read(_columns(sample))
        except Exception:  # As in `intake.take`: whatever one event breaks costs that event.
            self.counts["unusable"] += len(sample.columns)
            return None
        numbers = np.arange(len(read.usable))
        new = numbers >= (self._resumed_at.row if sample.offset == self._resumed_at.offset else 0)
        self.counts["unusable"] += int((new & ~read.usable).sum())
        chosen = np.flatnonzero(new & read.usable)
        ones = np.ones(len(chosen), np.int64)
        return Batch(read.rows.take(chosen), sample.offset * ones, chosen, sample.time_ns * ones)


def _columns(sample: Sample) -> Columns:
    rows = sample.columns
    return rows.block.take(slice(rows.start, rows.stop)) if isinstance(rows, Rows) else rows
