"""From the explained row to rows that are decided differently, and back as far as it goes.

A nearest unlike neighbour has the wanted decision by itself; the fewest of its values that are
enough are looked for between it and the explained row (after Brughmans, Leyman & Martens, NICE,
Data Mining and Knowledge Discovery 2023, which takes one feature after the other; here whole orders
and whole sets of features are asked at once, for several neighbours in the same question).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.counterfactuals.steps import Steps
from sidelight_explainers.counterfactuals.ways import (
    Floats,
    Masks,
    alone,
    between,
    in_orders,
    with_less,
)
from sidelight_explainers.games.blend import Codes

FIRST = 256
"""Neighbours asked first, where the budget is not small; then four times as many each time."""
NEAREST = 5
STARTS = 8
"""Neighbours that are walked back from: the nearest ones, and others for other changes."""
PRUNINGS = 8
"""Times that changes are left out."""


@dataclass(frozen=True, eq=False)
class Walk:
    """The ground between one row and the reference.

    `allowed` (m + 1, n): may a feature take the value of that palette row? `apart` (m + 1, n): how
    far the value is from the explained row's, the last; `offsets`: likewise with the sign, NaN
    where there is no order. `budget`: rows that all of it may cost.
    """

    steps: Steps
    allowed: Masks
    apart: Floats
    offsets: Floats
    budget: int

    @property
    def stay(self) -> int:
        """The palette row that is the explained one."""
        return len(self.apart) - 1

    def changes(self, sources: Codes) -> NDArray[np.intp]:
        """How many features each row (r,) changes."""
        return np.asarray((sources != self.stay).sum(axis=1))

    def distances(self, sources: Codes) -> Floats:
        """How far each row (r,) is from the explained one."""
        return np.asarray(np.take_along_axis(self.apart, sources, axis=0).sum(axis=1))

    def starts(self) -> Codes:
        """Rows with the wanted decision, at most `STARTS` (s, n): reference rows whose values are
        taken as far as that is allowed, the nearest and some farther ones. They are looked for with
        half of the budget at most, or one question more; with all of it while there is none."""
        sources, half = self._neighbours(), max(self.budget // 2, 1)
        found: list[int] = []
        first, size = 0, min(FIRST, max(half // 2, 1))
        while first < len(sources) and len(found) < STARTS and (first < half or not found):
            size = min(size, max(self.steps.left, 1))
            reached = self.steps.told(sources[first : first + size]).reached
            if self.steps.aim.is_met:
                break
            found += (first + np.flatnonzero(reached)).tolist()
            first, size = first + size, min(size * 4, half)
        return sources[_spread(found)]

    def gains(self, starts: Codes) -> Floats:
        """What each value of each start does by itself (s, n): the score with it alone, less that
        of the explained row."""
        nothing = np.full((1, starts.shape[1]), self.stay, np.int32)
        rows = [alone(start, self.stay) for start in starts]
        scores = self.steps.told(np.concatenate([nothing, *rows])).scores
        return np.asarray(scores[1:] - scores[0]).reshape(starts.shape)

    def forward(self, starts: Codes, gains: Floats) -> Codes:
        """For each start the fewest of its values that are enough, in the order of what they gain,
        or of what they gain for their distance (s, n)."""
        return self._least(starts, [self._orders(*one) for one in zip(starts, gains, strict=True)])

    def pruned(self, found: Codes, gains: Floats) -> Codes:
        """Without the changes that can be left out (s, n)."""
        for _ in range(PRUNINGS):
            pairs = zip(found, gains, strict=True)
            fewer = self._least(found, [with_less(*pair, self.stay) for pair in pairs])
            if np.array_equal(fewer, found):
                break
            found = fewer
        return found

    def nearer(self, found: Codes) -> Codes:
        """With changed numbers moved back together as far as goes (s, n)."""
        ways = [between(row, self.offsets, self.allowed, self.stay) for row in found]
        return self._least(found, ways)

    def _neighbours(self) -> Codes:
        """Every reference row as far as its values are allowed, nearest first, repeats left out."""
        here = np.arange(self.stay, dtype=np.int32)[:, None]
        same = self.apart[:-1] == 0
        sources = np.where(self.allowed[:-1] & ~same, here, np.int32(self.stay))
        order = np.argsort(self.distances(sources), kind="stable")
        return sources[order[self.changes(sources[order]) > 0]]

    def _orders(self, start: Codes, gains: Floats) -> Codes:
        apart = self.apart[start, np.arange(len(start))]
        moved = start != self.stay
        for_distance = gains / np.maximum(apart, np.finfo(float).tiny)
        keys = [np.where(moved, -one, np.inf) for one in (gains, for_distance, -apart)]
        return in_orders(start, [np.argsort(one, kind="stable") for one in keys], self.stay)

    def _least(self, known: Codes, ways: Sequence[Codes]) -> Codes:
        """For each known row that row among its ways that reaches with the fewest changes, then at
        the least distance, and changes others than those before it if it can; the known one where
        none does better."""
        told = self.steps.told(np.concatenate(ways)).reached
        ends = np.cumsum([len(way) for way in ways])[:-1]
        chosen: list[Codes] = []
        for row, way, reached in zip(known, ways, np.split(told, ends), strict=True):
            rows = np.vstack([row[None, :], way[reached]])
            chosen.append(self._best(rows, chosen))
        return np.stack(chosen)

    def _best(self, rows: Codes, others: Sequence[Codes]) -> Codes:
        ordered = rows[np.lexsort((self.distances(rows), self.changes(rows)))]
        changed = ordered != self.stay
        new = np.ones(len(rows), bool)
        for other in others:
            new &= ((other != self.stay) & ~changed).any(axis=1)
        return np.asarray(ordered[np.argmax(new)])


def _spread(found: list[int]) -> list[int]:
    """The first ones, and some evenly from the rest."""
    rest = found[NEAREST:]
    places = np.linspace(0, len(rest) - 1, min(STARTS - NEAREST, len(rest))).astype(int)
    return found[:NEAREST] + [rest[at] for at in places.tolist()]
