"""Evidence that rates are further apart than allowed, since some moment before which they were not.

    A_t = (A_(t-1) + w_t) LR_t

as in `sidelight_detectors.alarms.evidence`: weights w that add up to 1 for ever are paid by the
bets since, so that A reaches a threshold c with probability at most 1 / c. Half of the weight
stands from the beginning, since most unfair models are so from their first day. A bet is made only
while what it remembers is beyond a bound, against that bound: so one wealth serves both sides, and
in a long fair time it is kept for later.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from sidelight_detectors.alarms.evidence import ever
from sidelight_detectors.bias.audit.betting import DISTANCES, beyond, pay
from sidelight_detectors.bias.audit.sides import Floats, Sides

FIRST = 0.5
"""Of the weight, that which stands from the beginning."""

SCALE = 1000.0
"""Rows, of two groups of equal size, in which a quarter of what is left is given out."""

MEMORY = 3.0 / np.array(DISTANCES) ** 2
"""Rows of a rate that each bet remembers: few more than tell its alternative from the bound."""

BEFOREHAND = 200.0
"""Rows of a rate that the reference's count as, at most."""


class Evidence:
    """The wealth of each bet, and what is known of the rates.

    `before` are counts of the reference, as `Sides.gather` gives them, zeros where it has none:
    without them the first block is looked at and no bet is made on it.
    """

    def __init__(self, sides: Sides, before: Floats) -> None:
        self.sides = sides
        counted = before * np.minimum(BEFOREHAND / np.maximum(before[0], 1.0), 1.0)
        self._known = np.broadcast_to(counted, (len(MEMORY), *counted.shape)).copy()
        self._units = np.zeros(len(sides.rates))
        self._wealth = np.full((len(sides.rates), len(DISTANCES)), FIRST)
        self._weigh = ever(SCALE)

    def fold(self, counts: Floats) -> None:
        """Takes a block, of counts as `Sides.gather` gives them.

        All comparisons are paid for the same blocks: evidence gathered at different times must not
        be added up, since one could be read just before it is lost.
        """
        paid = pay(self.sides, self._known[0], counts)
        paid = np.where(beyond(self.sides, self._known), paid, 1.0)
        self._wealth += self._weights(counts[0])[:, None]
        np.multiply.at(self._wealth, self.sides.comparison, paid)
        kept = MEMORY[:, None, None] / (MEMORY[:, None, None] + counts[0])
        self._known = self._known * kept[:, None] + counts

    def values(self) -> Floats:
        """The e-value of each comparison, ``(C,)``: the mean of its bets."""
        return np.asarray(self._wealth.mean(axis=1), np.float64)

    def saved(self) -> dict[str, Any]:
        return {name: _text(array) for name, array in self._arrays().items()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        for name, array in self._arrays().items():
            array[...] = np.frombuffer(base64.b64decode(saved[name]), "<f8").reshape(array.shape)

    def _weights(self, rows: Floats) -> Floats:
        """What is given to the comparisons' bets now, by the rows that the block is worth."""
        used = self.sides.used
        shares = np.divide(1.0, rows, out=np.zeros_like(rows), where=rows > 0).sum(axis=1)
        complete = ((rows > 0) | ~used).all(axis=1) & used.any(axis=1)
        worth = np.divide(4.0, shares, out=np.zeros_like(shares), where=complete)
        before, self._units = self._units, self._units + worth
        pairs = zip(before.tolist(), self._units.tolist(), strict=True)
        return (1 - FIRST) * np.array([self._weigh(old, new) for old, new in pairs])

    def _arrays(self) -> dict[str, Floats]:
        return {"known": self._known, "units": self._units, "wealth": self._wealth}


def _text(array: Floats) -> str:
    return base64.b64encode(array.astype("<f8").tobytes()).decode()
