"""Bets against a practical null: that no share lies further from the reference's than is allowed.

For each side of each cut the null hypothesis bounds a share, p <= p0. A bet names an alternative
p1 > p0 and is paid, on k hits in n rows,

    LR = (p1 / p0)^k ((1 - p1) / (1 - p0))^(n - k)

whose mean is at most 1 under every p <= p0, whatever was seen before. It stays so when k is a sum
of numbers in [0, 1] instead of hits, each with mean p or less: the payment is convex in each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.alarms.band import Band
from sidelight_detectors.alarms.cuts import Cuts

Floats = NDArray[np.float64]

DISTANCES = (0.02, 0.05, 0.12, 0.3)
"""From p0 to its alternatives, in units of 2 asin(sqrt(p)): a bet on the truth doubles about every
1.4 / distance^2 rows. In between two of them at least four fifths of that speed are kept."""

TINY = 1e-9
"""Shares closer to 0 or 1 are not told from them."""

LARGEST = 600.0
"""No bet is paid more than exp(LARGEST) at once; paying less keeps it fair."""


@dataclass(frozen=True, eq=False)
class Null:
    """What is allowed: ``lowest <= share <= highest`` in each cut; both ``(C,)``."""

    shares: Floats
    lowest: Floats
    highest: Floats


def practical(band: Band, tolerance: float) -> Null:
    """Everything within `tolerance` of the reference, and all that its own error can explain."""
    return Null(
        band.shares,
        np.minimum(band.lower, band.shares - tolerance),
        np.maximum(band.upper, band.shares + tolerance),
    )


@dataclass(frozen=True, eq=False)
class Bets:
    """Bets on S sides of cuts, J alternatives each.

    Parameters
    ----------
    cut, column:
        Shape ``(S,)``: which cut a side belongs to, and its column.
    per_hit, per_trial:
        Shape ``(S, J)``: the logarithm of what is paid is ``hits * per_hit + trials * per_trial``.
    stake:
        Shape ``(S,)``: the share of the wealth that each of its bets holds at first; they add up
        to 1 over all bets. Columns hold equal shares.
    """

    cut: NDArray[np.int64]
    column: NDArray[np.int64]
    per_hit: Floats
    per_trial: Floats
    stake: Floats

    @property
    def shape(self) -> tuple[int, int]:
        rows, alternatives = self.per_hit.shape
        return rows, alternatives

    def pay(self, hits: Floats, trials: Floats) -> Floats:
        """What each bet is paid on these counts of the cuts, ``(S, J)``."""
        own, of = hits[self.cut, None], trials[self.cut, None]
        gains = own * self.per_hit + of * self.per_trial
        return np.asarray(np.exp(np.minimum(gains, LARGEST)), np.float64)

    def by_column(self, wealth: Floats, columns: int) -> Floats:
        """The e-value of each column, ``(F,)``: the mean of its bets; 0 where it has none."""
        own = wealth.sum(axis=1) * self.stake
        held = np.bincount(self.column, self.stake * self.shape[1], columns)
        total = np.bincount(self.column, own, columns)
        return np.divide(total, held, out=np.zeros(columns), where=held > 0)

    def value(self, wealth: Floats) -> float:
        """The mean of all bets by their stakes."""
        return float(wealth.sum(axis=1) @ self.stake)


def bets_against(null: Null, cuts: Cuts) -> Bets:
    """Bets on a share above the null, and on one below it, wherever the null leaves room."""
    above, below = null.highest < 1 - TINY, null.lowest > TINY
    bounds = np.maximum(np.concatenate([null.highest[above], 1 - null.lowest[below]]), TINY)
    cut = np.concatenate([np.flatnonzero(above), np.flatnonzero(below)])
    angles = np.arcsin(np.sqrt(bounds))[:, None] + np.array(DISTANCES) / 2
    # Beyond the last angle there is no share: bet on the largest one that leaves room to lose.
    likely = np.sin(np.minimum(angles, (np.arcsin(np.sqrt(bounds))[:, None] + np.pi / 2) / 2)) ** 2
    hit = np.log(likely) - np.log(bounds)[:, None]
    miss = np.log1p(-likely) - np.log1p(-bounds)[:, None]
    up = (np.arange(len(cut)) < above.sum())[:, None]
    column = cuts.column[cut]
    sides = np.bincount(column, minlength=len(cuts.names))
    stake = 1 / (sides[column] * np.count_nonzero(sides) * len(DISTANCES))
    return Bets(
        cut,
        column,
        np.where(up, hit - miss, miss - hit),
        np.where(up, miss, hit),
        stake,
    )
