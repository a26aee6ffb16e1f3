"""How many chains to ask for at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIRST = 8
"""Without a tolerance the first question has one chain in so many: a partial answer, and one that
tells how fast the predictor is."""
PART = 0.7
"""So much of what the widths call for is asked at a time: the widest of many, seen in few chains,
calls for too much."""
GROWTH = 4
"""The second question adds one chain for so many that were asked, at most, each further one one
share more: for the same reason."""
AT_LEAST = 32
"""The second question has at least one chain for so many that were asked, each further one twice
that share: few calls however often the widths fall short."""


@dataclass(frozen=True, eq=False)
class Rounds:
    """Questions for some chains, of which the first `telling` tell how wide the intervals are;
    until the widest half width is within `tolerance`, None for all of them.

    `variance` (chains,) is what that of the estimate is in proportion to, after each chain.
    """

    variance: NDArray[np.float64]
    telling: int
    tolerance: float | None

    @property
    def total(self) -> int:
        return len(self.variance)

    def first(self) -> int:
        """Chains of the first question."""
        told = -(-self.total // FIRST) if self.tolerance is None else self.telling
        return min(_even(told), self.total)

    def accurate(self, widest: float) -> bool:
        return self.tolerance is not None and widest <= self.tolerance

    def upto(self, done: int, widest: float, question: int) -> int:
        """Chains to have after that `question` (1 is the second one)."""
        if self.tolerance is None:
            return self.total
        wanted = int(PART * (self._called_for(done, widest) - done))
        least, most = (done << question) // (2 * AT_LEAST), done * question // GROWTH
        return min(_even(done + max(min(wanted, most), least, 2)), self.total)

    def _called_for(self, done: int, widest: float) -> int:
        """Half widths fall as the root of the variance does."""
        wanted = self.variance[done - 1] * ((self.tolerance or np.inf) / widest) ** 2
        enough = np.flatnonzero(self.variance[done:] <= wanted)
        return done + int(enough[0]) + 1 if len(enough) else self.total


def variances(of: NDArray[np.intp]) -> NDArray[np.float64]:
    """Of the mean over the different numbers in the first 1, 2, ... of `of` (c,) of the mean over
    each one's draws, where each draw has the variance 1."""
    order = np.argsort(of, kind="stable")
    starts = np.flatnonzero(np.diff(of[order], prepend=-1))
    drawn = np.empty(len(of), np.intp)
    drawn[order] = np.arange(len(of)) - np.repeat(starts, np.diff(np.append(starts, len(of))))
    steps = 1 / (drawn + 1) - np.where(drawn > 0, 1 / np.maximum(drawn, 1), 0.0)
    return np.asarray(np.cumsum(steps) / np.cumsum(drawn == 0) ** 2)


def _even(chains: int) -> int:
    """An order comes with its reverse."""
    return chains + chains % 2
