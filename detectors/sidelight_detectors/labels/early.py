"""Labels that may come before their row: they are remembered for a while.

Predictions and what is said of them reach the log by different ways, so a label can stand before
its row, in another partition or after an outage of the logger.

Labels are remembered in *epochs*. An epoch begins with a pane: when event time has gone on by a
quarter of the time to remember, or when it has a quarter of the labels to remember; only then old
epochs end. So the beginnings (`history`) tell at any pane which labels were remembered there, and
whoever reads the panes again remembers the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.labels.growing import Growing
from sidelight_detectors.labels.index import SHARED, Index

EPOCHS = 4

_FILTER = 1 << 22
"""Most rows have no label before them: a byte for each hash says so without a search."""


@dataclass(frozen=True, eq=False)
class Spoken:
    """Labels in the order in which they were said, each ``(n,)``; fields as `trace.Labels`.

    `pane` is the offset of the pane that said it.
    """

    subject: NDArray[np.uint64]
    row: NDArray[np.int32]
    value: NDArray[np.float64]
    time_ns: NDArray[np.int64]
    pane: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.subject)

    def take(self, chosen: NDArray[np.intp]) -> Spoken:
        return Spoken(*(getattr(self, name)[chosen] for name in _KINDS))


def joined(parts: Sequence[Spoken]) -> Spoken:
    """One after the other."""
    return Spoken(*(np.concatenate([getattr(one, name) for one in parts]) for name in _KINDS))


_KINDS = {
    "subject": np.uint64,
    "row": np.int32,
    "value": np.float64,
    "time_ns": np.int64,
    "pane": np.int64,
}


MAX_EPOCHS = 256
"""Where labels are far ahead of the traffic, epochs end late; not so late that there are more."""


@dataclass(slots=True)
class Epoch:
    """Began with the pane at that offset, at that watermark, with that label.

    `learned_ns` is when the last of its labels was learned.
    """

    pane: int
    watermark_ns: int
    first: int
    learned_ns: int = 0


class EarlyLabels:
    """Remembers labels for `keep_ns` of event time, and at most `most` of them."""

    def __init__(self, keep_ns: int, most: int) -> None:
        self._keep_ns = keep_ns
        self._most = most
        self._columns = {name: Growing(kind) for name, kind in _KINDS.items()}
        self._index = Index()
        self._filter = np.zeros(_FILTER, np.bool_)
        self._epochs: list[Epoch] = []
        self._first = 0
        self._history: list[tuple[int, int]] = []
        self._ahead: list[tuple[int, int]] = []
        self._over: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._columns["subject"])

    @property
    def bytes(self) -> int:
        return sum(column.bytes for column in self._columns.values()) + self._index.bytes

    @property
    def all(self) -> Spoken:
        """A copy of all that is remembered."""
        return Spoken(*(self._columns[name].values.copy() for name in _KINDS))

    @property
    def pane(self) -> int | None:
        """Of the oldest label that is remembered."""
        return int(self._columns["pane"].values[0]) if len(self) else None

    def advance(self, pane: int, watermark_ns: int) -> None:
        """The next pane: perhaps an epoch begins."""
        if self._epochs:
            last = self._epochs[-1]
            is_old = watermark_ns >= last.watermark_ns + self._keep_ns // EPOCHS
            is_full = self._end - last.first >= self._most // EPOCHS
            if not (is_old or is_full):
                return
        self._over = []
        self._begin(pane, watermark_ns)

    def is_due(self, pane: int) -> bool:
        """While panes are read again: whether an epoch had begun by this one, and was not yet."""
        return bool(self._ahead) and self._ahead[0][0] <= pane

    def follow(self, pane: int) -> None:
        """As `advance`, while what was accepted before is read again."""
        while self.is_due(pane):
            self._begin(*self._ahead.pop(0))

    def follow_all(self) -> None:
        """All that was accepted before was read again."""
        while self._ahead:
            self._begin(*self._ahead.pop(0))

    def forgotten(self, panes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The pane with which a label was forgotten, by the pane that said it, as far as they were
        read again; the largest number of one that is remembered."""
        never = np.iinfo(np.int64).max
        ends = np.array([end for _, end in self._over] + [never])
        begins = [begin for begin, _ in self._over[1:]] + [one.pane for one in self._epochs[:1]]
        return ends[np.searchsorted(begins[: len(self._over)], panes, side="right")]

    def add(self, labels: Spoken) -> None:
        """Labels of panes of one epoch."""
        if not len(labels):
            return
        numbers = self._end + np.arange(len(labels), dtype=np.int64)
        for name, column in self._columns.items():
            column.add(getattr(labels, name))
        self._index.add(labels.subject, numbers)
        self._filter[_bits(labels.subject)] = True
        last = self._epochs[-1]
        last.learned_ns = max(last.learned_ns, int(labels.time_ns.max()))

    def find(
        self, keys: NDArray[np.uint64], rows: NDArray[np.int32]
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Pairs of a place in `keys` and the number of a label that names it, as it was said.

        The key is of an exchange with so many rows; of each row some labels are enough.
        """
        likely = np.flatnonzero(self._filter[_bits(keys)])
        queries, numbers = self._index.find(keys[likely], rows[likely].astype(np.int64) * SHARED)
        known = numbers >= self._first
        queries, numbers = likely[queries[known]], numbers[known] - self._first
        order = np.argsort(numbers, kind="stable")
        return queries[order], numbers[order]

    def take(self, numbers: NDArray[np.int64]) -> Spoken:
        return Spoken(*(self._columns[name].values[numbers] for name in _KINDS))

    def saved(self, oldest: int | None) -> list[tuple[int, int]]:
        """The beginnings that whoever reads on from the pane `oldest` must know."""
        later = [at for at in range(1, len(self._history)) if self._begins(at) <= (oldest or 0)]
        if oldest is None:
            later = [len(self._history) - 1] if self._history else []
        self._history = self._history[max(later, default=0) :]
        return list(self._history)

    def restore(self, saved: Sequence[Sequence[int]]) -> None:
        self._ahead = [(pane, watermark_ns) for pane, watermark_ns in saved]

    def _begins(self, at: int) -> int:
        return self._history[at][0]

    @property
    def _end(self) -> int:
        return self._first + len(self)

    def _begin(self, pane: int, watermark_ns: int) -> None:
        self._epochs.append(Epoch(pane, watermark_ns, self._end))
        self._history.append((pane, watermark_ns))
        while len(self._epochs) > 1 and self._is_over(watermark_ns):
            self._over.append((self._epochs.pop(0).pane, pane))
        self._forget(self._epochs[0].first - self._first)

    def _is_over(self, watermark_ns: int) -> bool:
        """Whether the oldest epoch is: even its last label is old enough, or there are too many.

        A label is as old as event time has gone on since it was said, or was learned if that is
        later: one partition may be far ahead of another.
        """
        oldest = self._epochs[0]
        since_ns = max(self._epochs[1].watermark_ns, oldest.learned_ns)
        are_many = self._end - oldest.first > self._most or len(self._epochs) > MAX_EPOCHS
        return since_ns + self._keep_ns <= watermark_ns or are_many

    def _forget(self, count: int) -> None:
        if not count:
            return
        for column in self._columns.values():
            column.drop(count)
        self._first += count
        self._index = Index()
        self._index.add(self._columns["subject"].values, self._first + np.arange(len(self)))
        self._filter[:] = False
        self._filter[_bits(self._columns["subject"].values)] = True


def _bits(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return keys & np.uint64(_FILTER - 1)
