"""One search, step after step; what it has found can be read whenever it ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sidelight_explainers.counterfactuals.walking import Walk
from sidelight_explainers.games.blend import Codes


class Search:
    """Rows with the wanted decision, better after each step."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self.found: Codes = np.empty((0, walk.apart.shape[1]), np.int32)

    def run(self) -> Iterator[None]:
        """Gives way after each step. Raises `Unaffordable` where the next step is, and what the
        predictor raises."""
        starts = self._walk.starts()
        if self._walk.steps.aim.is_met or not len(starts):
            return
        self.found = starts
        yield
        gains = self._walk.gains(starts)
        self.found = self._walk.forward(self.found, gains)
        yield
        self.found = self._walk.pruned(self.found, gains)
        yield
        self.found = self._walk.nearer(self.found)

    def chosen(self, count: int, most: int | None) -> Codes:
        """The nearest, none changing what another one changes and more (c, n)."""
        order = np.argsort(self._walk.distances(self.found), kind="stable")
        changes = self._walk.changes(self.found)
        chosen: list[int] = []
        for at in sorted(order.tolist(), key=lambda one: int(changes[one])):
            few = most is None or changes[at] <= most
            if few and not any(self._covers(at, other) for other in chosen):
                chosen.append(at)
        nearest = sorted(chosen, key=lambda at: order.tolist().index(at))
        return self.found[nearest[:count]]

    def _covers(self, at: int, other: int) -> bool:
        """Does the first change all that the other changes?"""
        mine, theirs = (self.found[one] != self._walk.stay for one in (at, other))
        return bool((mine | ~theirs).all())
