"""What is shown of an explanation, before it is drawn: a heading and blocks below each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences; strong ones are what the reader came for."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """One amount, drawn from `start` to ``start + amount``.

    `low` and `high` bound the amount; None without an interval. A muted one stands for several.
    """

    label: str
    amount: float
    start: float = 0.0
    low: float | None = None
    high: float | None = None
    muted: bool = False

    @property
    def end(self) -> float:
        return self.start + self.amount

    @property
    def error(self) -> float | None:
        """Half the interval's width; None where there is none or the amount is exact."""
        if self.low is None or self.high is None or self.low == self.high:
            return None
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Level:
    """A value that bars start from or lead to."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars on one scale; of a waterfall `first` and `last` are its two ends.

    `signed` ones are changes and told with their sign. The scale reaches to the `bounds` too.
    """

    bars: tuple[Bar, ...]
    first: Level | None = None
    last: Level | None = None
    signed: bool = True
    bounds: tuple[float, ...] = ()

    @property
    def largest(self) -> float:
        """The largest amount, without sign."""
        return max((abs(bar.amount) for bar in self.bars), default=0.0)

    @property
    def origin(self) -> float:
        """Where the bars begin."""
        return 0.0 if self.first is None else self.first.value

    @property
    def reach(self) -> tuple[float, float]:
        """The least and the largest value that is drawn."""
        ends = [self.origin, *self.bounds]
        for bar in self.bars:
            ends += [bar.end, bar.start + _or(bar.low, bar), bar.start + _or(bar.high, bar)]
        return min(ends), max(ends)

    def place(self, value: float) -> float:
        """Where on the scale a value lies, from 0 (left) to 1 (right)."""
        low, high = self.reach
        return 0.5 if high <= low else (value - low) / (high - low)


def _or(bound: float | None, bar: Bar) -> float:
    return bar.amount if bound is None else bound


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a text; `weight` from -1 (lowers most) over 0 (nothing) to 1 (raises most)."""

    text: str
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Words:
    """A text, with words that matter shaded by how much."""

    runs: tuple[Run, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """Pixels, uint8 (h, w, 3), and what they show."""

    caption: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures side by side."""

    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of a table; those whose positions are `marked` differ from the rest."""

    cells: tuple[str, ...]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Effects at points along one feature.

    `labels` are the points in words. `places` are the points where they are numbers, empty for
    categories. `low` and `high` bound each effect, `lines` are those of single rows; empty where
    there are none. The scale reaches to the `bounds` too. `signed` effects are changes.
    """

    title: str
    labels: tuple[str, ...]
    places: tuple[float, ...]
    effects: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    lines: tuple[tuple[float, ...], ...] = ()
    bounds: tuple[float, ...] = ()
    signed: bool = True

    def between(self, low: float, high: float) -> Plot:
        """The same on a scale that others share."""
        return replace(self, bounds=(low, high))

    @property
    def reach(self) -> tuple[float, float]:
        """The least and the largest value of the scale."""
        drawn = [*self.effects, *self.low, *self.high, *self.bounds]
        for line in self.lines:
            drawn += line
        return min(drawn), max(drawn)


@dataclass(frozen=True, slots=True)
class Plots:
    """Small plots beside each other."""

    plots: tuple[Plot, ...]


Block = Paragraph | Bars | Words | Gallery | Table | Plots


@dataclass(frozen=True, slots=True)
class Page:
    """All that is shown; `notes` say in small letters how it was found."""

    heading: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
