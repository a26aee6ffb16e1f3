"""The rows of one model version and event-time window, and what is known of each by now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.contract import Sums
from sidelight_detectors.labels.contract import Settling
from sidelight_detectors.labels.growing import Growing
from sidelight_detectors.results.findings import Seen, Stretch
from sidelight_detectors.streaming.trace import Trail

NEVER = np.iinfo(np.int64).min
"""When a row's label was learned that has none yet."""


class Bucket:
    """Rows wait here from their prediction until their window is final.

    `sums` are those of each part that settles: integers that every label adds to, and a label that
    is corrected or taken back is taken off, so they are those of what is known now. `pane` is the
    offset of the oldest pane that any of it was read from. `told` is how many rows had a label when
    the window was told last, None before. `lost` are rows that were here before a restart, and
    that no pane has any more.
    """

    def __init__(self, parts: Mapping[str, Settling]) -> None:
        self.sums: dict[str, Sums] = {
            name: np.zeros(part.settled_size, np.int64) for name, part in parts.items()
        }
        self.rows = 0
        self.labelled = 0
        self.lost = 0
        self.told: int | None = None
        self.pane: int | None = None
        self._parts = parts
        self._ends = Growing(np.int32)
        self._trails: dict[str, Growing] = {}
        self._values = Growing(np.float64)
        self._learned = Growing(np.int64)
        self._spans: dict[int, tuple[int, int]] = {}
        self._times: tuple[int, int] | None = None

    @property
    def coverage(self) -> float:
        """The share of rows with a label."""
        return self.labelled / self.rows if self.rows else 0.0

    @property
    def bytes(self) -> int:
        columns = (self._ends, self._values, self._learned, *self._trails.values())
        return sum(column.bytes for column in columns)

    @property
    def seen(self) -> Seen:
        """Where the rows stand."""
        stretches = (
            Stretch(Address(INFERENCE, partition, first), Address(INFERENCE, partition, last))
            for partition, (first, last) in sorted(self._spans.items())
        )
        first_ns, last_ns = self._times or (0, 0)
        return Seen(self.rows, 0, tuple(stretches), first_ns, last_ns)

    def add(
        self, rows: NDArray[np.int32], trails: Mapping[str, Trail], pane: int
    ) -> NDArray[np.int64]:
        """Exchanges with so many rows each; the number of each among all."""
        first, total = len(self._ends), int(rows.sum())
        self._ends.add(self.rows + np.cumsum(rows))
        for name, part in self._parts.items():
            column = self._trails.setdefault(name, Growing(np.uint8, trails[name].shape[1]))
            column.add(trails[name])
            self.sums[name] += part.awaited(trails[name])
        self._values.fill(total, np.nan)
        self._learned.fill(total, NEVER)
        self.rows += total
        self.read_from(pane)
        return first + np.arange(len(rows), dtype=np.int64)

    def stretch(self, partition: int, offsets: NDArray[np.int64], times: NDArray[np.int64]) -> None:
        """Where the exchanges that were added stand, and when they happened."""
        first, last = self._spans.get(partition, (int(offsets[0]), int(offsets[-1])))
        self._spans[partition] = (min(first, int(offsets[0])), max(last, int(offsets[-1])))
        ends = (int(times.min()), int(times.max()))
        known = self._times or ends
        self._times = (min(known[0], ends[0]), max(known[1], ends[1]))

    def read_from(self, pane: int) -> None:
        """Something of it stands in that pane."""
        self.pane = pane if self.pane is None else min(self.pane, pane)

    def places(self, exchanges: NDArray[np.int64], rows: NDArray[np.int32]) -> NDArray[np.int64]:
        """Where the numbered rows of these exchanges stand; -1 where there is no such row."""
        ends = self._ends.values
        begins = np.where(exchanges > 0, ends[exchanges - 1], 0)
        found = begins.astype(np.int64) + rows
        return np.where(found < ends[exchanges], found, -1)

    def label(
        self, rows: NDArray[np.int64], values: NDArray[np.float64], learned: NDArray[np.int64]
    ) -> Counter[str]:
        """What came true of rows, in the order in which it was said; what came of it, counted.

        What was learned last holds; of what was learned at one time, what was said last.
        """
        known = self._learned.values
        new = np.flatnonzero(learned >= known[rows])
        np.maximum.at(known, rows[new], learned[new])
        newest = _last_of_each(rows, new[learned[new] == known[rows[new]]])
        counts = Counter(superseded=len(rows) - len(newest))
        counts.update(self._set(rows[newest], values[newest]))
        return counts

    def _set(self, rows: NDArray[np.int64], values: NDArray[np.float64]) -> Counter[str]:
        before = self._values.values[rows]
        was, is_ = ~np.isnan(before), ~np.isnan(values)
        changed = (was != is_) | (was & is_ & (before != values))
        off, on = changed & was, changed & is_
        for name, part in self._parts.items():
            trail = self._trails[name].values
            if off.any():
                self.sums[name] -= part.labelled(trail[rows[off]], before[off])
            if on.any():
                self.sums[name] += part.labelled(trail[rows[on]], values[on])
        self._values.values[rows] = values
        self.labelled += int(on.sum()) - int(off.sum())
        return Counter(
            joined=int((is_ & ~was).sum()),
            corrected=int((off & on).sum()),
            withdrawn=int((was & ~is_).sum()),
            repeated=int((~changed).sum()),
        )


def _last_of_each(rows: NDArray[np.int64], chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of the chosen places, which ascend, the last one of each row."""
    ordered = np.sort(rows[chosen])
    if not (ordered[1:] == ordered[:-1]).any():
        return chosen
    order = chosen[np.argsort(rows[chosen], kind="stable")]
    is_last: NDArray[np.bool_] = np.append(rows[order][1:] != rows[order][:-1], True)
    return order[is_last]
