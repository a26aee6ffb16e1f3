"""The sides of what is allowed, as arrays: each is a null hypothesis of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.bias.contract import Comparison, Tally

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sides:
    """S sides of C comparisons: ``sum(weight * rates) <= bound``.

    Parameters
    ----------
    comparison:
        Shape ``(S,)``: which comparison a side belongs to.
    weight:
        Shape ``(S, T)``: for its rates, in the order of the comparison; 0 fills up.
    bound:
        Shape ``(S,)``.
    rates:
        Shape ``(C, T)``: numbers of the rates of each comparison; those that fill up are its first.
    used:
        Shape ``(C, T)``: which of them do not just fill up.
    """

    comparison: NDArray[np.intp]
    weight: Floats
    bound: Floats
    rates: NDArray[np.intp]
    used: NDArray[np.bool_]

    def gather(self, tally: Tally) -> Floats:
        """Rows, total and squares of each comparison's rates, ``(3, C, T)``; 0 fills up."""
        whole = np.stack([tally.rows, tally.total, tally.squares])
        return np.where(self.used, whole[:, self.rates], 0.0)


def sides_of(comparisons: Sequence[Comparison]) -> Sides:
    """One for each finite bound of each comparison."""
    longest = max((len(one.rates) for one in comparisons), default=1)
    signed = [
        (place, sign, bound)
        for place, one in enumerate(comparisons)
        for sign, bound in ((1.0, one.high), (-1.0, -one.low))
        if isfinite(bound)
    ]
    weights = np.zeros((len(comparisons), longest))
    rates = np.zeros((len(comparisons), longest), np.intp)
    for place, one in enumerate(comparisons):
        weights[place, : len(one.weights)] = one.weights
        rates[place] = one.rates[0]
        rates[place, : len(one.rates)] = one.rates
    comparison = np.array([place for place, _, _ in signed], np.intp)
    sign = np.array([sign for _, sign, _ in signed])
    bound = np.array([bound for _, _, bound in signed])
    return Sides(comparison, weights[comparison] * sign[:, None], bound, rates, weights != 0)
