"""Rows on their way to a detector, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight.tensors import Columns
from sidelight_detectors.results.findings import Seen, Stretch


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows of one partition in the order of the log; `numbers` count within their exchange."""

    rows: Columns
    offsets: NDArray[np.int64]
    numbers: NDArray[np.int64]
    times: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets)

    def take(self, rows: Any) -> Batch:
        """The given rows: a slice or an index array."""
        places = (self.offsets[rows], self.numbers[rows], self.times[rows])
        return Batch(self.rows.take(rows), *places)

    @property
    def times_bounds(self) -> tuple[int, int]:
        return int(self.times.min()), int(self.times.max())

    def seen(self, partition: int, flagged: int) -> Seen:
        ends = (Address(INFERENCE, partition, int(self.offsets[place])) for place in (0, -1))
        return Seen(len(self), flagged, (Stretch(*ends),), *self.times_bounds)


def joined(parts: list[Batch]) -> Batch:
    rows = Columns.concatenate([part.rows for part in parts])
    places = ("offsets", "numbers", "times")
    return Batch(
        rows, *(np.concatenate([getattr(part, name) for part in parts]) for name in places)
    )


def some_of(batch: Batch, count: int) -> Batch:
    """`count` of its rows at most, drawn by where the exchange stands: no sender can choose."""
    if count >= len(batch):
        return batch
    drawn = np.random.RandomState(int(batch.offsets[0]) % 2**32).permutation(len(batch))[:count]
    return batch.take(np.sort(drawn))


@dataclass
class Waiting:
    """Rows until there are enough of them for a batch of `size`; of size 0 none waits."""

    size: int
    _parts: list[Batch] = field(default_factory=list)
    _rows: int = 0

    def __len__(self) -> int:
        return self._rows

    @property
    def first(self) -> tuple[int, int]:
        """Exchange and number of the row that has waited longest."""
        part = self._parts[0]
        return int(part.offsets[0]), int(part.numbers[0])

    def add(self, rows: Batch) -> Iterator[Batch]:
        """The batches that are full now."""
        if not self.size:
            yield rows
            return
        self._parts.append(rows)
        self._rows += len(rows)
        if self._rows < self.size:
            return
        held = joined(self._parts)
        full = len(held) // self.size * self.size
        rest = held.take(slice(full, None))
        self._parts, self._rows = [rest] if len(rest) else [], len(rest)
        for begin in range(0, full, self.size):
            yield held.take(slice(begin, begin + self.size))

    def drop(self) -> int:
        """Forget them all; how many they were."""
        dropped, self._rows = self._rows, 0
        self._parts = []
        return dropped
