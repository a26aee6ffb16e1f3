"""How many rows chance flags: the exact binomial distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, bdtrik, betainc, betaincinv

LEVEL = 0.999
"""Share of ordinary stretches of traffic whose flagged rows lie within the band."""

BEYOND = 0.001
"""A p-value below this is more than chance."""


@dataclass(frozen=True, slots=True)
class Ordinary:
    """The share of ordinary rows that is flagged, averaged over references; what it is at most
    with this one reference, where that is known."""

    rate: float
    bound: float | None = None

    @property
    def most(self) -> float:
        return self.rate if self.bound is None else self.bound


def p_value(flagged: int, rows: int, rate: float) -> float:
    """The chance of so many flagged rows or more, each with probability `rate`.

    Source: the upper tail of the binomial distribution as an incomplete beta function
    (Abramowitz and Stegun, 26.5.24).
    """
    if flagged <= 0:
        return 1.0
    return float(betainc(flagged, rows - flagged + 1, rate))


def is_beyond(flagged: int, rows: int, ordinary: Ordinary) -> bool:
    """Whether more are flagged than chance explains."""
    return p_value(flagged, rows, ordinary.most) < BEYOND


def band(
    rows: ArrayLike, rate: ArrayLike, most: ArrayLike, level: float = LEVEL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The smallest and largest number of flagged rows that are not told from chance.

    Parameters
    ----------
    rows:
        Rows of each stretch, at least 1.
    rate, most:
        The flagged share of ordinary rows in (0, 1), and what it is at most.
    level:
        How many of the stretches lie within, in (0, 1); each tail has half of the others.
    """
    tail = (1 - level) / 2
    return _quantile(tail, rows, rate), _quantile(1 - tail, rows, most)


def band_of_ranks(
    rows: int, bins: int, calibration_rows: int, level: float = LEVEL
) -> tuple[int, int]:
    """The smallest and largest number of conformal p-values in one of `bins` of equal width that
    are not told from chance.

    Chance plays twice: in which rows the reference held out (then a bin has a share that is beta
    distributed: Vovk, ACML 2012, proposition 2b), and in the rows themselves. Each has half of what
    `level` leaves, so that at least so many bins lie within.
    """
    tail, ranks = (1 - level) / 2, calibration_rows + 1
    shares = betaincinv(ranks / bins, ranks - ranks / bins, [tail / 2, 1 - tail / 2])
    low, high = band(rows, shares[0], shares[1], 1 - tail)
    return int(low), int(high)


def _quantile(share: float, rows: ArrayLike, rate: ArrayLike) -> NDArray[np.float64]:
    """The smallest number that is not exceeded with probability `share` at least."""
    above = np.ceil(bdtrik(share, rows, rate))
    below = np.maximum(above - 1, 0)
    return np.asarray(np.where(bdtr(below, np.asarray(rows), rate) >= share, below, above), float)
