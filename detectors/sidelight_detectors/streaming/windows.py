"""Windows: panes of one model, merged until there is enough to judge.

Two kinds, both tumbling and both per model version. A *count* window closes with the pane that
fills it; it is a fold of the panes in their order. An *event-time* window closes when every
partition's watermark has passed its end by the lateness; without late rows it depends on the
exchanges alone, not on how runs were cut.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sidelight_detectors.streaming.panes import Slice
from sidelight_detectors.summary import Summary

LOSSES = ("crowded", "late", "plan")
"""Why rows come into no window: too many windows were open, theirs had closed, or another plan
counted them."""

MAX_OPEN = 256
"""Event-time windows open at once; invented times must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of one version: their sum, where they stand, when they happened.

    `spans` maps a partition to the offsets of its first and last exchange. `index` numbers
    event-time windows (start = index x length) and is 0 for count windows.
    """

    version: str
    index: int
    spans: Mapping[int, tuple[int, int]]
    first_ns: int
    last_ns: int
    summary: Summary

    @classmethod
    def of(cls, part: Slice, partition: int, index: int) -> Window:
        return cls(
            part.version,
            index,
            {partition: (part.first, part.last)},
            part.first_ns,
            part.last_ns,
            part.summary,
        )

    def __add__(self, other: Window) -> Window:
        return replace(
            self,
            spans=_joined(self.spans, other.spans),
            first_ns=min(self.first_ns, other.first_ns),
            last_ns=max(self.last_ns, other.last_ns),
            summary=self.summary + other.summary,
        )

    def content(self) -> bytes:
        """The bytes a result computed from this window is named after."""
        spans = sorted(self.spans.items())
        return repr(spans).encode() + self.summary.counts.astype("<i8").tobytes()

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "index": self.index,
            "spans": [[partition, *span] for partition, span in sorted(self.spans.items())],
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "summary": base64.b64encode(self.summary.to_bytes()).decode(),
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Window:
        spans = {partition: (first, last) for partition, first, last in saved["spans"]}
        summary = Summary.from_bytes(base64.b64decode(saved["summary"]))
        return cls(**{**saved, "spans": spans, "summary": summary})


class Windows(Protocol):
    """Open windows. The decider calls `add` for every slice of an accepted pane, then `advance`.

    Both return the windows that are complete now, in the order in which they are to be judged;
    `close` gives the others up as they are, where nothing more can come (the end of a file).
    `lost` counts the rows that came into no window, by reason. A snapshot keeps `saved`.
    """

    lost: Counter[str]

    def add(self, part: Slice, partition: int, bucket_ns: int) -> list[Window]: ...

    def advance(self, watermark_ns: int) -> list[Window]: ...

    def close(self) -> list[Window]: ...

    def saved(self) -> dict[str, Any]: ...

    def restore(self, saved: Mapping[str, Any]) -> None: ...


class CountWindows:
    """A window closes with the pane that brings it to `rows` rows or more."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.lost: Counter[str] = Counter()
        self._open: dict[str, Window] = {}

    def add(self, part: Slice, partition: int, bucket_ns: int) -> list[Window]:
        addition = Window.of(part, partition, 0)
        before = self._open.pop(part.version, None)
        window = addition if before is None else before + addition
        if window.summary.rows >= self.rows:
            return [window]
        self._open[part.version] = window
        return []

    def advance(self, watermark_ns: int) -> list[Window]:
        return []

    def close(self) -> list[Window]:
        left, self._open = list(self._open.values()), {}
        return left

    def saved(self) -> dict[str, Any]:
        return {"open": [window.to_json() for window in self._open.values()], "lost": self.lost}

    def restore(self, saved: Mapping[str, Any]) -> None:
        windows = map(Window.from_json, saved["open"])
        self._open = {window.version: window for window in windows}
        self.lost = Counter(saved["lost"])


class NoWindows:
    """Nothing is judged: only rows are scored."""

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()

    def add(self, part: Slice, partition: int, bucket_ns: int) -> list[Window]:
        return []

    def advance(self, watermark_ns: int) -> list[Window]:
        return []

    def close(self) -> list[Window]:
        return []

    def saved(self) -> dict[str, Any]:
        return {"open": [], "lost": {}}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """There is nothing to restore."""


class EventTimeWindows:
    """A window of `length_ns` closes `lateness_ns` after its end; later rows are lost."""

    def __init__(self, length_ns: int, lateness_ns: int) -> None:
        self.length_ns = length_ns
        self.lateness_ns = lateness_ns
        self.lost: Counter[str] = Counter()
        self._first_open = 0
        self._open: dict[tuple[int, str], Window] = {}

    def add(self, part: Slice, partition: int, bucket_ns: int) -> list[Window]:
        index = part.bucket * bucket_ns // self.length_ns
        if index < self._first_open:
            self.lost["late"] += part.summary.rows
            return []
        place = (index, part.version)
        addition = Window.of(part, partition, index)
        self._open[place] = self._open[place] + addition if place in self._open else addition
        if len(self._open) > MAX_OPEN:
            self.lost["crowded"] += self._open.pop(min(self._open)).summary.rows
        return []

    def advance(self, watermark_ns: int) -> list[Window]:
        first_open = (watermark_ns - self.lateness_ns) // self.length_ns
        self._first_open = max(self._first_open, first_open)
        complete = sorted(place for place in self._open if place[0] < self._first_open)
        return [self._open.pop(place) for place in complete]

    def close(self) -> list[Window]:
        return [self._open.pop(place) for place in sorted(self._open)]

    def saved(self) -> dict[str, Any]:
        windows = [window.to_json() for window in self._open.values()]
        return {"open": windows, "lost": self.lost, "first_open": self._first_open}

    def restore(self, saved: Mapping[str, Any]) -> None:
        windows = map(Window.from_json, saved["open"])
        self._open = {(window.index, window.version): window for window in windows}
        self.lost = Counter(saved["lost"])
        self._first_open = saved["first_open"]


def _joined(
    spans: Mapping[int, tuple[int, int]], others: Mapping[int, tuple[int, int]]
) -> dict[int, tuple[int, int]]:
    both = dict(spans)
    for partition, (first, last) in others.items():
        begin, end = both.get(partition, (first, last))
        both[partition] = (min(begin, first), max(end, last))
    return both
