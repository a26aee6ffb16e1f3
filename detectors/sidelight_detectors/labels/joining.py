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
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.labels.bucket import Bucket
from sidelight_detectors.labels.contract import Settling
from sidelight_detectors.labels.early import EarlyLabels, Spoken
from sidelight_detectors.labels.index import Index, Places
from sidelight_detectors.streaming.folds import Traced
from sidelight_detectors.streaming.trace import NO_LABELS, UNKNOWN, Exchanges, Trace

MAX_OPEN = 4096
"""Open windows, of all versions; invented times must not fill the memory."""

_SERIAL_BITS = 32

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


class Join:
    """`take` panes in the order of the log; `close` what is final.

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
        added = [pair for one in _gathered(traced) for pair in self._rows(*one, counts)]
        if added:
            keys, places = (np.concatenate(part) for part in zip(*added, strict=True))
            self._index.add(keys, places)
            queries, numbers = self.early.find(keys)
            if len(queries):
                known = self.early.take(numbers)
                counts.update(self._label(known, np.arange(len(known)), places[queries]))
        spoken = _spoken(traced)
        if spoken is not None:
            counts.update(self._labels(spoken))
            self.early.add(spoken)
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
    ) -> Iterator[tuple[NDArray[np.uint64], Places]]:
        """Keys of the exchanges, and where each of them stands."""
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
            yield exchanges.subject[chosen], places
            named = exchanges.correlation[chosen] != UNKNOWN
            yield exchanges.correlation[chosen][named], places[named]

    def _add(self, window: Window, trace: Trace, chosen: NDArray[np.intp], pane: int) -> Places:
        exchanges = trace.exchanges
        bucket = self.buckets.get(window)
        if bucket is None:
            bucket = self.buckets[window] = Bucket(self._parts)
            self._last_serial += 1
            self._serials[self._last_serial] = window
            self._serial_of[window] = self._last_serial
        numbers = bucket.add(exchanges.rows[chosen], _trails(trace, chosen), pane)
        bucket.stretch(trace.partition, exchanges.offset[chosen], exchanges.time_ns[chosen])
        return numbers | (self._serial_of[window] << _SERIAL_BITS)

    def _labels(self, spoken: Spoken) -> Counter[str]:
        queries, places = self._index.find(spoken.subject)
        is_open = self._is_open(places)
        queries, places = queries[is_open], places[is_open]
        order = np.argsort(queries, kind="stable")
        counts = self._label(spoken, queries[order], places[order])
        counts["early"] += len(spoken) - len(np.unique(queries))
        return counts

    def _label(self, spoken: Spoken, queries: NDArray[np.intp], places: Places) -> Counter[str]:
        """Pairs of a label and an exchange that it names, in the order of the labels."""
        counts: Counter[str] = Counter()
        serials = places >> _SERIAL_BITS
        for serial in np.unique(serials).tolist():
            chosen = serials == serial
            told = spoken.take(queries[chosen])
            window = self._serials[serial]
            bucket, final_ns = self.buckets[window], self.terms.final_ns(window[0])
            rows = bucket.places(places[chosen] & ((1 << _SERIAL_BITS) - 1), told.row)
            in_time, there = told.time_ns <= final_ns, rows >= 0
            counts["late"] += int((there & ~in_time).sum())
            counts["no_row"] += int((~there).sum())
            kept = np.flatnonzero(in_time & there)
            if len(kept):
                counts.update(bucket.label(rows[kept], told.value[kept], told.time_ns[kept]))
                bucket.read_from(int(told.pane[kept].min()))
        return counts

    def _is_open(self, places: Places) -> NDArray[np.bool_]:
        return np.isin(places >> _SERIAL_BITS, list(self._serials))


def _distinct(codes: NDArray[np.int64]) -> list[int]:
    """In order; mostly there is one."""
    first = int(codes[0])
    return [first] if (codes == first).all() else np.unique(codes).tolist()


def _gathered(traced: Sequence[Traced]) -> Iterator[tuple[Trace, NDArray[np.int64]]]:
    """Traces with rows, those of one partition and the same versions as one, and the pane of each
    exchange: many small steps would cost more than what is done in them."""
    alike: dict[tuple[int, tuple[str, ...]], list[Traced]] = {}
    for one in traced:
        if len(one.trace.exchanges):
            alike.setdefault((one.trace.partition, one.trace.versions), []).append(one)
    for found in alike.values():
        panes = np.repeat([one.pane for one in found], [len(one.trace.exchanges) for one in found])
        yield _joined([one.trace for one in found]), panes.astype(np.int64)


def _joined(traces: Sequence[Trace]) -> Trace:
    if len(traces) == 1:
        return traces[0]
    first = traces[0]
    exchanges = {
        column.name: np.concatenate([getattr(one.exchanges, column.name) for one in traces])
        for column in fields(Exchanges)
    }
    trails = {name: np.concatenate([one.trails[name] for one in traces]) for name in first.trails}
    return replace(first, exchanges=Exchanges(**exchanges), trails=trails, labels=NO_LABELS)


def _trails(trace: Trace, chosen: NDArray[np.intp]) -> Mapping[str, NDArray[np.uint8]]:
    if len(chosen) == len(trace.exchanges):
        return trace.trails
    is_chosen = np.zeros(len(trace.exchanges), np.bool_)
    is_chosen[chosen] = True
    rows = is_chosen[trace.owner]
    return {name: trail[rows] for name, trail in trace.trails.items()}


def _spoken(traced: Sequence[Traced]) -> Spoken | None:
    found = [(one.trace.labels, one.pane) for one in traced if len(one.trace.labels)]
    if not found:
        return None
    labels = [one for one, _ in found]
    return Spoken(
        np.concatenate([one.subject for one in labels]),
        np.concatenate([one.row for one in labels]),
        np.concatenate([one.value for one in labels]),
        np.concatenate([one.time_ns for one in labels]),
        np.concatenate([np.full(len(one), pane, np.int64) for one, pane in found]),
    )
