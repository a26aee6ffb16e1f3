"""What windows are made of: steps of rows, of one model version each, and the sum of the last ones.

A window moves on by one step. A tumbling window is one step long.
"""

from __future__ import annotations

import base64
import operator
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.alarms.rule import WHOLE
from sidelight_detectors.contract import Sums
from sidelight_detectors.streaming.draws import Draw, Drawn, smallest
from sidelight_detectors.streaming.panes import Slice
from sidelight_detectors.summary import Summary

Parts = Mapping[str, Summary]
"""Summaries by segment; of all rows as `WHOLE` where nothing is cut apart."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Where rows stand and when they happened.

    `spans` maps a partition to the offsets of its first and last exchange. `draw` has a few rows.
    """

    spans: Mapping[int, tuple[int, int]]
    first_ns: int
    last_ns: int
    draw: Draw = ()

    def __add__(self, other: Extent) -> Extent:
        return Extent(
            _joined(self.spans, other.spans),
            min(self.first_ns, other.first_ns),
            max(self.last_ns, other.last_ns),
            smallest([self.draw, other.draw]),
        )

    def to_json(self) -> dict[str, Any]:
        rows = ((*row[:-1], base64.b64encode(row.cells).decode()) for row in self.draw)
        return {
            "spans": [[partition, *span] for partition, span in sorted(self.spans.items())],
            "times": [self.first_ns, self.last_ns],
            "draw": list(rows),
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Extent:
        spans = {partition: (first, last) for partition, first, last in saved["spans"]}
        draw = tuple(
            Drawn(chance, partition, offset, row, base64.b64decode(cells))
            for chance, partition, offset, row, cells in saved["draw"]
        )
        first_ns, last_ns = saved["times"]
        return cls(spans, first_ns, last_ns, draw)


@dataclass(frozen=True, slots=True)
class Step:
    """Rows of one version. `index` numbers event-time steps (start = index x length)."""

    version: str
    index: int
    extent: Extent
    parts: Parts

    @classmethod
    def of(cls, part: Slice, partition: int, index: int = 0) -> Step:
        draw = tuple(row._replace(partition=partition) for row in part.draw)
        spans = {partition: (part.first, part.last)}
        extent = Extent(spans, part.first_ns, part.last_ns, draw)
        return cls(part.version, index, extent, {part.segment: part.summary})

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts.values())

    def __add__(self, other: Step) -> Step:
        extent, parts = self.extent + other.extent, _summed(self.parts, other.parts)
        return replace(self, extent=extent, parts=parts)

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "index": self.index,
            "extent": self.extent.to_json(),
            "parts": {name: _text(part) for name, part in sorted(self.parts.items())},
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Step:
        parts = {name: _summary(text) for name, text in saved["parts"].items()}
        return cls(saved["version"], saved["index"], Extent.from_json(saved["extent"]), parts)


@dataclass(frozen=True)
class Window:
    """Rows of one version to be judged: the sum of some steps, the last of them `index`.

    `is_fresh` tells whether it shares no rows with the fresh window before it: overlapping ones are
    judged all, but told of only then, or when they say something else.
    `rows_seen` are all rows of the version up to this window's end, however long ago.
    """

    version: str
    index: int
    extents: tuple[Extent, ...]
    parts: Parts
    rows_seen: int
    is_fresh: bool = True

    @cached_property
    def extent(self) -> Extent:
        return reduce(operator.add, self.extents)

    @cached_property
    def summary(self) -> Summary:
        """Of all rows."""
        return reduce(operator.add, self.parts.values())

    def of(self, scope: str) -> Summary | None:
        """Of all rows (`WHOLE`) or a segment; None when it has no rows."""
        return self.summary if scope == WHOLE else self.parts.get(scope)

    def content(self, scope: str = WHOLE) -> bytes:
        """The bytes a result computed from this window is named after."""
        spans, summary = sorted(self.extent.spans.items()), self.of(scope)
        counts = b"" if summary is None else summary.counts.astype("<i8").tobytes()
        return repr((spans, scope)).encode() + counts

    def __add__(self, step: Step) -> Window:
        extents, parts = (*self.extents, step.extent), _summed(self.parts, step.parts)
        return Window(self.version, step.index, extents, parts, self.rows_seen + step.rows)


def window_of(step: Step, seen: int = 0) -> Window:
    """The window that is this step alone; `seen` are the rows before it."""
    return Window(step.version, step.index, (step.extent,), step.parts, seen + step.rows)


@dataclass(frozen=True)
class Thin:
    """A summary that takes the memory of its filled cells only."""

    plan: str
    rows: int
    cells: int
    places: NDArray[np.int32]
    counts: NDArray[np.int32]
    sums: Mapping[str, Sums]

    @classmethod
    def of(cls, summary: Summary) -> Thin:
        # Of a mask this is several times as fast as of numbers.
        places = np.flatnonzero(summary.counts != 0).astype(np.int32)
        counts = summary.counts[places].astype(np.int32)
        size = len(summary.counts)
        return cls(summary.plan, summary.rows, size, places, counts, summary.sums)

    def taken_off(self, summary: Summary) -> Summary:
        """What is left without these rows, which are all in there."""
        counts = summary.counts.copy()
        counts[self.places] -= self.counts
        sums = {name: own - self.sums[name] for name, own in summary.sums.items()}
        return Summary(self.plan, summary.rows - self.rows, counts, sums)

    def whole(self) -> Summary:
        counts = np.zeros(self.cells, np.int64)
        counts[self.places] = self.counts
        return Summary(self.plan, self.rows, counts, self.sums)


@dataclass(frozen=True)
class _Kept:
    index: int
    extent: Extent
    parts: Mapping[str, Thin]
    rows: int


class Slides:
    """The last steps of one version and their sum: each is added once and taken off once."""

    def __init__(self) -> None:
        self._steps: deque[_Kept] = deque()
        self._parts: Parts = {}
        self._version = ""
        self._new = 0
        self.rows = 0
        self.seen = 0

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def oldest(self) -> int:
        """The index of the oldest step; there is one."""
        return self._steps[0].index

    def push(self, step: Step) -> None:
        thin = {name: Thin.of(part) for name, part in step.parts.items()}
        self._steps.append(_Kept(step.index, step.extent, thin, step.rows))
        self._parts = _summed(self._parts, step.parts)
        self._version = step.version
        self._new += 1
        self.rows += step.rows
        self.seen += step.rows

    def pop(self) -> int:
        """Takes the oldest step off; returns its rows."""
        gone = self._steps.popleft()
        parts = dict(self._parts)
        for name, thin in gone.parts.items():
            parts[name] = thin.taken_off(parts[name])
        self._parts = {name: part for name, part in parts.items() if part.rows}
        self.rows -= gone.rows
        return gone.rows

    def keep_rows(self, rows: int) -> None:
        """Takes steps off as long as so many rows are left."""
        while self.rows - self._steps[0].rows >= rows:
            self.pop()

    def keep_from(self, index: int) -> None:
        """Takes the steps before this one off."""
        while self._steps[0].index < index:
            self.pop()

    def window(self) -> Window:
        """What there is. Tumbling windows are all fresh."""
        return Window(
            self._version,
            self._steps[-1].index,
            tuple(kept.extent for kept in self._steps),
            self._parts,
            self.seen,
            self._new >= len(self._steps),
        )

    def judge(self) -> Window:
        """The window that is to be judged now."""
        window = self.window()
        if window.is_fresh:
            self._new = 0
        return window

    def saved(self) -> dict[str, Any]:
        steps = [
            Step(self._version, kept.index, kept.extent, _whole(kept.parts)).to_json()
            for kept in self._steps
        ]
        return {"steps": steps, "new": self._new, "seen": self.seen}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Slides:
        slides = cls()
        for step in saved["steps"]:
            slides.push(Step.from_json(step))
        slides._new, slides.seen = saved["new"], saved["seen"]
        return slides


def summed(steps: Iterable[Step]) -> Step:
    """At least one step, of one version."""
    return reduce(operator.add, steps)


def _whole(parts: Mapping[str, Thin]) -> Parts:
    return {name: thin.whole() for name, thin in parts.items()}


def _summed(parts: Parts, others: Parts) -> Parts:
    both = dict(parts)
    for name, part in others.items():
        both[name] = both[name] + part if name in both else part
    return both


def _joined(
    spans: Mapping[int, tuple[int, int]], others: Mapping[int, tuple[int, int]]
) -> dict[int, tuple[int, int]]:
    both = dict(spans)
    for partition, (first, last) in others.items():
        begin, end = both.get(partition, (first, last))
        both[partition] = (min(begin, first), max(end, last))
    return both


def _text(summary: Summary) -> str:
    return base64.b64encode(summary.to_bytes()).decode()


def _summary(text: str) -> Summary:
    return Summary.from_bytes(base64.b64decode(text))
