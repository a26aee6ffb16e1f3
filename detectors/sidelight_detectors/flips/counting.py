"""Changed decisions counted by pair of groups, and what they say of the rate behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from sidelight_detectors.flips.finding import FlipRate, Verdict

Counts = NDArray[np.int64]

ASKED, CHANGED, GAINED, LOST = range(4)
"""Columns of the counts of one pair."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Rows of the group `own` asked about as if they were of the group `other`."""

    attribute: str
    own: str
    other: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How counts are judged: `alpha` is the chance that any pair is called unfair wrongly."""

    confidence: float
    alpha: float
    tolerance: float


def rate_of(pair: Pair, counts: Counts, limits: Limits, pairs: int) -> FlipRate:
    """What `counts`, shape ``(4,)``, say of the pair, one of so many."""
    rows, changed = int(counts[ASKED]), int(counts[CHANGED])
    tail = (1 - limits.confidence) / 2
    low, high = lower_limit(changed, rows, tail), 1 - lower_limit(rows - changed, rows, tail)
    least = lower_limit(changed, rows, limits.alpha / pairs)
    verdict: Verdict = "not enough data"
    if least > limits.tolerance:
        verdict = "unfair"
    elif high <= limits.tolerance:
        verdict = "fair"
    names = (pair.attribute, pair.own, pair.other)
    numbers = (rows, changed, int(counts[GAINED]), int(counts[LOST]))
    rate = changed / rows if rows else 0.0
    return FlipRate(*names, *numbers, rate, low, high, least, verdict)


def lower_limit(count: int, rows: int, tail: float) -> float:
    """What a binomial share is at least, with confidence ``1 - tail``.

    Exact: with a smaller share `count` or more of `rows` have a chance below `tail` (C. Clopper,
    E. Pearson, Biometrika 26, 1934).

    Parameters
    ----------
    count:
        In [0, rows].
    tail:
        In (0, 1).
    """
    return float(betaincinv(count, rows - count + 1, tail)) if count else 0.0
