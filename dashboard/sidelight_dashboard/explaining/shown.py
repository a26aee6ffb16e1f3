"""What a page shows of an explanation, whatever its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Bar:
    """What one feature or word moved the output by, with its 95 % interval where there is one."""

    label: str
    amount: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Bars:
    """The largest first. `base` and `prediction` are where they lead from and to, None where they
    do not add up; `unit` names the output they are amounts of."""

    bars: tuple[Bar, ...]
    unit: str
    base: float | None = None
    prediction: float | None = None


@dataclass(frozen=True)
class Run:
    """A piece of a text; `weight` in [-1, 1] is its share of the strongest, 0 where it is plain."""

    text: str
    weight: float = 0.0
    title: str = ""

    @property
    def style(self) -> str:
        """Of four strengths: ``up-1`` to ``down-4``; empty where it is plain."""
        if not self.weight:
            return ""
        strength = min(int(abs(self.weight) * 4) + 1, 4)
        return f"{'up' if self.weight > 0 else 'down'}-{strength}"


@dataclass(frozen=True)
class Cell:
    """`is_changed` marks what differs from the explained row."""

    words: str
    is_changed: bool = False


@dataclass(frozen=True)
class Table:
    """The first cell of a row names it."""

    caption: str
    titles: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Shown:
    """`sentences` say it in words, first what matters most; the rest is drawn where it is there.

    `overlay` says how to read the row's picture under it, empty where there is none. `notes` say
    how far it can be relied on.
    """

    sentences: tuple[str, ...]
    bars: Bars | None = None
    runs: tuple[Run, ...] = ()
    tables: tuple[Table, ...] = ()
    overlay: str = ""
    notes: tuple[str, ...] = ()
