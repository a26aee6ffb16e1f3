"""Which rows a result speaks of, where batches do not end with it."""

from __future__ import annotations

from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.results.findings import Seen, Stretch
from sidelight_detectors.stations.batch import Batch


class Since:
    """The rows since the last result, and how many of them were marked."""

    def __init__(
        self,
        rows: int = 0,
        marked: int = 0,
        first: int = 0,
        last: int = 0,
        first_ns: int = 0,
        last_ns: int = 0,
    ) -> None:
        self.rows = rows
        self.marked = marked
        self._first, self._last = first, last
        self._first_ns, self._last_ns = first_ns, last_ns

    def add(self, batch: Batch, marked: int) -> None:
        """Rows of one partition that follow on those before."""
        first_ns, last_ns = batch.times_bounds
        if not self.rows:
            self._first, self._first_ns, self._last_ns = int(batch.offsets[0]), first_ns, last_ns
        self.rows += len(batch)
        self.marked += marked
        self._last = int(batch.offsets[-1])
        self._first_ns = min(self._first_ns, first_ns)
        self._last_ns = max(self._last_ns, last_ns)

    def seen(self, partition: int) -> Seen:
        ends = (Address(INFERENCE, partition, offset) for offset in (self._first, self._last))
        return Seen(self.rows, 0, (Stretch(*ends),), self._first_ns, self._last_ns)

    def saved(self) -> list[int]:
        """The arguments that make it again."""
        bounds = (self._first, self._last, self._first_ns, self._last_ns)
        return [self.rows, self.marked, *bounds]
