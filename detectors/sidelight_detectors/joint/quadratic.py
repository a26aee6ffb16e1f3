"""The law of a squared distance between two means: a weighted sum of squared normals.

The tail is Lugannani and Rice's saddlepoint formula; see Diego Kuonen, "Saddlepoint approximations
for distributions of quadratic forms in normal variables", Biometrika 86 (1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

_CLOSE = 1e-3
"""Share of the mean within which the tail is interpolated."""


@dataclass(frozen=True, eq=False)
class QuadraticForm:
    """``sum(weights * z**2)`` of independent standard normals z.

    Parameters
    ----------
    weights:
        Shape ``(k,)``, above 0, at least one.
    """

    weights: NDArray[np.float64]

    @property
    def mean(self) -> float:
        return float(self.weights.sum())

    def tail(self, value: float) -> float:
        """P(form >= value), to a few per cent of itself however small; in [0, 1]."""
        share = value / self.mean
        if share <= 0:
            return 1.0
        if abs(share - 1) >= _CLOSE:
            return self._tail(share)
        # At the mean the formula is 0/0, and around it nearly a line.
        low, high = self._tail(1 - _CLOSE), self._tail(1 + _CLOSE)
        return low + (high - low) * (share - 1 + _CLOSE) / (2 * _CLOSE)

    def quantile(self, p: float) -> float:
        """The value with ``tail(value) == p``."""
        top = 2.0
        while self.tail(top * self.mean) > p:
            top *= 2
        return float(brentq(lambda share: self.tail(share * self.mean) - p, 0.0, top)) * self.mean

    def _tail(self, share: float) -> float:
        weights = self.weights / self.mean
        point = _saddlepoint(weights, share)
        shrunk = 1 - 2 * point * weights
        gained = 2 * (point * share + np.log(shrunk).sum() / 2)
        root = copysign(sqrt(max(gained, 0.0)), point)
        spread = point * sqrt(2 * ((weights / shrunk) ** 2).sum())
        return float(ndtr(-(root + log(spread / root) / root)))


def _saddlepoint(weights: NDArray[np.float64], share: float) -> float:
    """Where the tilted form has mean `share`; the untilted has 1."""
    largest = float(weights.max())
    lowest = -len(weights) / (2 * share)
    highest = (1 - min(largest / share, 1.0) / 2) / (2 * largest)
    bounds = (lowest, 0.0) if share < 1 else (0.0, highest)
    return float(brentq(lambda s: (weights / (1 - 2 * s * weights)).sum() - share, *bounds))
