"""The join of predictions and what came true of them, both as they come.

A label names an exchange (by its id, or by the id its client gave it) and a row of it. It counts
when it was learned before the row's window stopped waiting, and

* the row stands in the log before it and its window is still open, or
* it stands before the row and is still remembered (`early`).

Neither depends on how runs were cut, and of labels of one row the one learned last holds. So the
sums of a window are those of a join of all rows with all labels at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.labels.bucket import Bucket
from sidelight_detectors.labels.contract import Settling
from sidelight_detectors.labels.early import EarlyLabels, Spoken
from sidelight_detectors.labels.gathering import gathered, spoken_in, trails_of
from sidelight_detectors.labels.index import SHARED, Index, Places
from sidelight_detectors.streaming.folds import Traced
from sidelight_detectors.streaming.trace import UNKNOWN, Trace

MAX_OPEN = 4096
"""Open windows, of all versions; invented times must not fill the memory."""

_SERIAL_BITS = 32
_LABEL_BITS = 31

Window = tuple[int, str]
"""Number (its begin is so many times its length) and model version."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Length of a window, how long after its end it waits, how many rows may wait, how long a
    label is remembered that has no row yet."""

    window_ns: int
    wait_ns: int
    max_rows: int
    early_ns: int

    @property
    def max_early(self) -> int:
        """Labels that are remembered for rows that may still come."""
        return max(self.max_rows // 8, 1000)

    def final_ns(self, window: int) -> int:
        """When the window stops waiting."""
        return (window + 1) * self.window_ns + self.wait_ns


@dataclass(frozen=True, slots=True)
class Standing:
    """Where exchanges wait: the key, place, rows and pane of each, ``(n,)``."""

    keys: NDArray[np.uint64]
    places: Places
    rows: NDArray[np.int32]
    panes: NDArray[np.int64]

    def called(self, keys: NDArray[np.uint64]) -> Standing:
        """Those that have another key too."""
        named = keys != UNKNOWN
        return Standing(keys[named], self.places[named], self.rows[named], self.panes[named])

    @classmethod
    def joined(cls, parts: Sequence[Standing]) -> Standing:
        """One after the other."""
        return cls(
            np.concatenate([one.keys for one in parts]),
            np.concatenate([one.places for one in parts]),
            np.concatenate([one.rows for one in parts]),
            np.concatenate([one.panes for one in parts]),
        )


@dataclass(frozen=True, slots=True)
class Named:
    """Pairs of a label's number and the place of an exchange that it names, in any order."""

    labels: NDArray[np.intp]
    places: Places


class Join:
    """`take` panes in the order of the log; `close` what is final. (`Recall` reads panes again.)

    `buckets` are the open windows, `first_open` the number of the first that may be.
    """

    def __init__(self, parts: Mapping[str, Settling], terms: Terms) -> None:
        self.buckets: dict[Window, Bucket] = {}
        self.first_open = 0
        self.early = EarlyLabels(terms.early_ns, terms.max_early)
        self.terms = terms
        self._parts = parts
        self._index = Index()
        self._serials: dict[int, Window] = {}
        self._serial_of: dict[Window, int] = {}
        self._last_serial = 0

    @property
    def rows(self) -> int:
        """Rows that wait in open windows."""
        return sum(bucket.rows for bucket in list(self.buckets.values()))

    @property
    def bytes(self) -> int:
        """Memory for rows and labels."""
        buckets = sum(bucket.bytes for bucket in list(self.buckets.values()))
        return buckets + self._index.bytes + self.early.bytes

    @property
    def needs_from(self) -> int | None:
        panes = [bucket.pane for bucket in self.buckets.values()] + [self.early.pane]
        return min((pane for pane in panes if pane is not None), default=None)

    def take(self, traced: Sequence[Traced]) -> Counter[str]:
        """Rows and labels of panes that one epoch remembers; what came of them, counted."""
        counts: Counter[str] = Counter()
        standing = self.place(traced, counts)
        if standing:
            asked = Standing.joined(standing)
            queries, numbers = self.early.find(asked.keys, asked.rows)
            known = self.early.take(numbers)
            found = Named(np.arange(len(known)), asked.places[queries])
            counts.update(self.label(known, found))
        spoken = spoken_in(traced)
        if spoken is not None:
            named = self.named(spoken)
            counts.update(self.label(spoken, named))
            counts["early"] += len(spoken) - len(np.unique(named.labels))
            self.early.add(spoken)
        return counts

    def place(self, traced: Sequence[Traced], counts: Counter[str]) -> list[Standing]:
        """Rows of panes begin to wait."""
        found = [one for pair in gathered(traced) for one in self._rows(*pair, counts)]
        for one in found:
            self._index.add(one.keys, one.places)
        return found

    def named(self, spoken: Spoken) -> Named:
        """The waiting exchanges that labels name."""
        most = np.full(len(spoken), SHARED)
        labels, places = self._index.find(spoken.subject, most)
        is_open = np.isin(places >> _SERIAL_BITS, list(self._serials))
        return Named(labels[is_open], places[is_open])

    def label(self, spoken: Spoken, named: Named) -> Counter[str]:
        """What came true of rows that wait; what came of it, counted."""
        counts: Counter[str] = Counter()
        serials = named.places >> _SERIAL_BITS
        for serial in np.unique(serials).tolist():
            # In the order of rows, for memory's sake; of one row in the order of the labels.
            chosen = serials == serial
            pairs = (named.places[chosen] << _LABEL_BITS) | named.labels[chosen]
            pairs.sort()
            told = spoken.take(pairs & ((1 << _LABEL_BITS) - 1))
            window = self._serials[serial]
            bucket, final_ns = self.buckets[window], self.terms.final_ns(window[0])
            exchanges = (pairs >> _LABEL_BITS) & ((1 << _SERIAL_BITS) - 1)
            rows = bucket.places(exchanges, told.row)
            in_time, there = told.time_ns <= final_ns, rows >= 0
            counts["late"] += int((there & ~in_time).sum())
            counts["no_row"] += int((~there).sum())
            kept = np.flatnonzero(in_time & there)
            if len(kept):
                counts.update(bucket.label(rows[kept], told.value[kept], told.time_ns[kept]))
                bucket.read_from(int(told.pane[kept].min()))
        return counts

    def close(self, watermark_ns: int) -> Iterator[tuple[Window, Bucket]]:
        """Windows that wait no longer, in their order."""
        terms = self.terms
        first_open = (watermark_ns - terms.wait_ns) // terms.window_ns
        yield from self._close(first_open)

    def crowd_out(self) -> Iterator[tuple[Window, Bucket]]:
        """The oldest windows, while too many rows wait."""
        while self.rows > self.terms.max_rows or len(self.buckets) > MAX_OPEN:
            yield from self._close(min(self.buckets)[0] + 1)

    def _close(self, first_open: int) -> Iterator[tuple[Window, Bucket]]:
        self.first_open = max(self.first_open, first_open)
        over = sorted(window for window in self.buckets if window[0] < self.first_open)
        for window in over:
            bucket = self.buckets.pop(window)
            del self._serials[self._serial_of.pop(window)]
            yield window, bucket
        if over and len(self._index) > 4 * self.rows:
            self._index.keep(self._is_open)

    def _rows(
        self, trace: Trace, panes: NDArray[np.int64], counts: Counter[str]
    ) -> Iterator[Standing]:
        exchanges = trace.exchanges
        window = exchanges.time_ns // self.terms.window_ns
        codes = window * len(trace.versions) + exchanges.version
        for code in _distinct(codes):
            number, version = divmod(code, len(trace.versions))
            chosen = np.flatnonzero(codes == code)
            rows = int(exchanges.rows[chosen].sum())
            if number < self.first_open:
                counts["late_rows"] += rows
                continue
            if not rows:
                continue
            counts["rows"] += rows
            place = (number, trace.versions[version])
            places = self._add(place, trace, chosen, int(panes[chosen].min()))
            waiting = Standing(
                exchanges.subject[chosen], places, exchanges.rows[chosen], panes[chosen]
            )
            yield waiting
            names = exchanges.correlation[chosen]
            if (names != UNKNOWN).any():
                yield waiting.called(names)

    def _add(self, window: Window, trace: Trace, chosen: NDArray[np.intp], pane: int) -> Places:
        exchanges = trace.exchanges
        bucket = self.buckets.get(window)
        if bucket is None:
            bucket = self.buckets[window] = Bucket(self._parts)
            self._last_serial += 1
            self._serials[self._last_serial] = window
            self._serial_of[window] = self._last_serial
        numbers = bucket.add(exchanges.rows[chosen], trails_of(trace, chosen), pane)
        bucket.stretch(trace.partition, exchanges.offset[chosen], exchanges.time_ns[chosen])
        return numbers | (self._serial_of[window] << _SERIAL_BITS)

    def _is_open(self, places: Places) -> NDArray[np.bool_]:
        return np.isin(places >> _SERIAL_BITS, list(self._serials))


def _distinct(codes: NDArray[np.int64]) -> list[int]:
    """In order; mostly there is one."""
    first = int(codes[0])
    return [first] if (codes == first).all() else np.unique(codes).tolist()
