"""Windows: panes of one model, merged until there is enough to judge.

All are per model version. A *count* window is judged when a step of rows has come; it is a fold of
the panes in their order. An *event-time* step closes when every partition's watermark has passed
its end by the lateness; without late rows its windows depend on the exchanges alone, not on how
runs were cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol

from sidelight_detectors.streaming.panes import Slice
from sidelight_detectors.streaming.steps import Slides, Step, Window, summed, window_of

LOSSES = ("crowded", "late", "plan")
"""Why rows come into no window, or into fewer than they should: too many steps were open or kept,
theirs had closed, or another plan counted them."""

MAX_OPEN = 256
"""Event-time steps open at once; invented times must not fill the memory."""

MAX_KEPT = 1024
"""Closed event-time steps that windows still need, of all versions together."""


class Windows(Protocol):
    """Open windows. The decider calls `add` for the slices of a pane that are of one version, in
    their order, and `advance` once after all of them.

    Both return the windows that are to be judged now, in that order; `close` gives up as they are
    the rows that were not judged, where nothing more can come (the end of a file). `recent` is what
    came last of a version, `last` its window when one was last judged. `lost` counts the rows that
    came into no window, by reason. A snapshot keeps `saved`.
    """

    lost: Counter[str]

    def add(self, parts: Sequence[Slice], partition: int, bucket_ns: int) -> list[Window]: ...

    def advance(self, watermark_ns: int) -> list[Window]: ...

    def close(self) -> list[Window]: ...

    def recent(self, version: str) -> Window | None: ...

    def last(self, version: str) -> Window | None: ...

    def saved(self) -> dict[str, Any]: ...

    def restore(self, saved: Mapping[str, Any]) -> None: ...


def given_up(saved: Mapping[str, Any]) -> Counter[str]:
    """What saved windows lose when nobody can judge them: what they had lost, and all that is open.

    Steps that were judged once count as judged.
    """
    counted = saved.get("versions", {}).values()
    steps = [one["open"] for one in counted if one["open"]] + saved.get("open", [])
    rows = sum(Step.from_json(step).rows for step in steps)
    return Counter(saved.get("lost", {})) + Counter({"plan": rows})


class NoWindows:
    """Nothing is judged: only rows are scored."""

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()

    def add(self, parts: Sequence[Slice], partition: int, bucket_ns: int) -> list[Window]:
        return []

    def advance(self, watermark_ns: int) -> list[Window]:
        return []

    def close(self) -> list[Window]:
        return []

    def recent(self, version: str) -> Window | None:
        return None

    def last(self, version: str) -> Window | None:
        return None

    def saved(self) -> dict[str, Any]:
        return {}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """There is nothing to restore."""


@dataclass
class _Counted:
    """A version: the steps of its window, the open step, and rows at which that closes."""

    due: int
    slides: Slides = field(default_factory=Slides)
    open: Step | None = None


class CountWindows:
    """The last `rows` rows, judged whenever `slide` have come.

    A step closes with the piece of a pane that fills it; what it has too many the next has to few,
    so that windows neither drift nor grow: each has `rows` rows within half a slide and what one
    piece may have, which is an exchange where one partition is read.
    """

    def __init__(self, rows: int, slide: int) -> None:
        self.rows = rows
        self.slide = slide
        self.lost: Counter[str] = Counter()
        self._versions: dict[str, _Counted] = {}

    def add(self, parts: Sequence[Slice], partition: int, bucket_ns: int) -> list[Window]:
        found = []
        for _, piece in groupby(parts, key=lambda part: part.piece):
            step = summed(Step.of(part, partition) for part in piece)
            if window := self._add(step):
                found.append(window)
        return found

    def advance(self, watermark_ns: int) -> list[Window]:
        return []

    def close(self) -> list[Window]:
        left = [one for one in self._versions.values() if one.open is not None]
        found = [window for one in left if (window := self._left(one))]
        for one in left:
            one.open = None
        return found

    def recent(self, version: str) -> Window | None:
        one = self._versions.get(version)
        if one is None or (one.open is None and not one.slides):
            return None
        if one.open is None:
            return one.slides.window()
        is_enough = one.open.rows >= self._enough or not one.slides
        return window_of(one.open, one.slides.seen) if is_enough else one.slides.window() + one.open

    def last(self, version: str) -> Window | None:
        one = self._versions.get(version)
        return one.slides.window() if one and one.slides.rows >= self._enough else None

    def saved(self) -> dict[str, Any]:
        return {
            "lost": self.lost,
            "versions": {
                name: {
                    "due": one.due,
                    "slides": one.slides.saved(),
                    "open": one.open.to_json() if one.open else None,
                }
                for name, one in self._versions.items()
            },
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.lost = Counter(saved["lost"])
        self._versions = {
            name: _Counted(
                one["due"],
                Slides.restored(one["slides"]),
                Step.from_json(one["open"]) if one["open"] else None,
            )
            for name, one in saved["versions"].items()
        }

    @property
    def _enough(self) -> int:
        """Rows of the smallest window: steps are the slide but for half of it."""
        return self.rows - self.slide // 2

    def _add(self, step: Step) -> Window | None:
        one = self._versions.setdefault(step.version, _Counted(self.slide))
        filled = step if one.open is None else one.open + step
        one.open = filled
        if filled.rows < one.due:
            return None
        one.open, one.due = None, self._due_after(filled.rows - one.due)
        one.slides.push(filled)
        one.slides.keep_rows(self._enough)
        return one.slides.judge() if one.slides.rows >= self._enough else None

    def _due_after(self, beyond: int) -> int:
        """At multiples of the slide; the next but one where the next is close."""
        due = self.slide - beyond % self.slide
        return due if 2 * due >= self.slide else due + self.slide

    def _left(self, one: _Counted) -> Window | None:
        if one.open is None:
            return None
        if self.slide == self.rows:
            return window_of(one.open, one.slides.seen)
        return one.slides.window() + one.open if one.slides else window_of(one.open)


class EventTimeWindows:
    """Windows of `length_ns`, judged every `slide_ns`.

    A step of `slide_ns` closes `lateness_ns` after its end; later rows are lost. A window is judged
    with each step that has rows.
    """

    def __init__(self, length_ns: int, slide_ns: int, lateness_ns: int) -> None:
        self.slides = length_ns // slide_ns
        self.slide_ns = slide_ns
        self.lateness_ns = lateness_ns
        self.lost: Counter[str] = Counter()
        self._first_open = 0
        self._open: dict[tuple[int, str], Step] = {}
        self._kept: dict[str, Slides] = {}

    def add(self, parts: Sequence[Slice], partition: int, bucket_ns: int) -> list[Window]:
        for part in parts:
            self._add(Step.of(part, partition, part.bucket * bucket_ns // self.slide_ns))
        return []

    def advance(self, watermark_ns: int) -> list[Window]:
        first_open = (watermark_ns - self.lateness_ns) // self.slide_ns
        self._first_open = max(self._first_open, first_open)
        complete = sorted(place for place in self._open if place[0] < self._first_open)
        return [self._judge(self._open.pop(place)) for place in complete]

    def close(self) -> list[Window]:
        return [self._judge(self._open.pop(place)) for place in sorted(self._open)]

    def recent(self, version: str) -> Window | None:
        steps = [self._open[place] for place in sorted(self._open) if place[1] == version]
        if version in self._kept:
            window = self._kept[version].window()
        elif steps:
            window = window_of(steps.pop(0))
        else:
            return None
        for step in steps:
            window += step
        return window

    def last(self, version: str) -> Window | None:
        return self._kept[version].window() if version in self._kept else None

    def saved(self) -> dict[str, Any]:
        return {
            "lost": self.lost,
            "first_open": self._first_open,
            "open": [step.to_json() for step in self._open.values()],
            "kept": {name: kept.saved() for name, kept in self._kept.items()},
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        steps = map(Step.from_json, saved["open"])
        self._open = {(step.index, step.version): step for step in steps}
        self._kept = {name: Slides.restored(kept) for name, kept in saved["kept"].items()}
        self.lost = Counter(saved["lost"])
        self._first_open = saved["first_open"]

    def _add(self, step: Step) -> None:
        if step.index < self._first_open:
            self.lost["late"] += step.rows
            return
        place = (step.index, step.version)
        self._open[place] = self._open[place] + step if place in self._open else step
        if len(self._open) > MAX_OPEN:
            self.lost["crowded"] += self._open.pop(min(self._open)).rows

    def _judge(self, step: Step) -> Window:
        kept = self._kept.setdefault(step.version, Slides())
        kept.push(step)
        kept.keep_from(step.index - self.slides + 1)
        window = kept.judge()
        while sum(map(len, self._kept.values())) > MAX_KEPT:
            self._forget_oldest()
        return window

    def _forget_oldest(self) -> None:
        name = min(self._kept, key=lambda version: (self._kept[version].oldest, version))
        self.lost["crowded"] += self._kept[name].pop()
        if not self._kept[name]:
            del self._kept[name]
