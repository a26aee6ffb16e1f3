"""What counts as one: a row, a request or a day; a pane told in these units."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from sidelight_detectors.alarms.bets import Floats
from sidelight_detectors.alarms.blocks import BLOCKS, UNIT
from sidelight_detectors.alarms.cuts import Cuts
from sidelight_detectors.summary import Summary

DAY_NS = 86_400_000_000_000


@dataclass(frozen=True)
class Tally:
    """`units` of rows, and hits and trials of each cut among them, both ``(C,)``."""

    units: float
    hits: Floats
    trials: Floats


class Units(Protocol):
    """Turns panes into units; keeps those that are not whole yet."""

    def take(self, summary: Summary, time_ns: int) -> Tally | None:
        """What is whole with this pane; None when nothing is."""
        ...

    def saved(self) -> dict[str, Any]: ...

    def restore(self, saved: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Rows:
    """Every row is a unit."""

    cuts: Cuts

    def take(self, summary: Summary, time_ns: int) -> Tally | None:
        hits, trials = self.cuts.count(summary.counts)
        return Tally(float(summary.rows), hits.astype(np.float64), trials.astype(np.float64))

    def saved(self) -> dict[str, Any]:
        return {}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """There is nothing to restore."""


@dataclass(frozen=True)
class Requests:
    """Every request is a unit, whole in one pane: a hit in part when some of its rows are."""

    cuts: Cuts

    def take(self, summary: Summary, time_ns: int) -> Tally | None:
        sums, columns = summary.sums[BLOCKS], len(self.cuts.names)
        blocks = sums[:columns].astype(np.float64)
        if not blocks.any():
            return None
        return Tally(float(blocks.max()), sums[columns:] / UNIT, blocks[self.cuts.column])

    def saved(self) -> dict[str, Any]:
        return {}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """There is nothing to restore."""


@dataclass
class Days:
    """Every day of event time (UTC) is a unit, whole when a later one begins.

    Rows that come after that are in no unit.
    """

    cuts: Cuts
    day: int = -1
    hits: Floats = field(default_factory=lambda: np.zeros(0))
    rows: Floats = field(default_factory=lambda: np.zeros(0))

    def take(self, summary: Summary, time_ns: int) -> Tally | None:
        day = time_ns // DAY_NS
        if day < self.day:
            return None
        ended = self._ended() if day > self.day >= 0 else None
        if day > self.day:
            self.day, (self.hits, self.rows) = day, np.zeros((2, len(self.cuts)))
        hits, rows = self.cuts.count(summary.counts)
        self.hits, self.rows = self.hits + hits, self.rows + rows
        return ended

    def saved(self) -> dict[str, Any]:
        both = np.concatenate([self.hits, self.rows]).astype("<f8").tobytes()
        return {"day": self.day, "counts": base64.b64encode(both).decode()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        counts = np.frombuffer(base64.b64decode(saved["counts"]), "<f8").copy()
        self.day, (self.hits, self.rows) = saved["day"], np.split(counts, 2)

    def _ended(self) -> Tally:
        seen = self.rows > 0
        shares = np.divide(self.hits, self.rows, out=np.zeros(len(self.cuts)), where=seen)
        return Tally(1.0, shares, seen.astype(np.float64))
