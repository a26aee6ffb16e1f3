"""Two-sample Cramer-von Mises from cell counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import Counts
from sidelight_detectors.drift.comparison import Comparisons
from sidelight_detectors.drift.effect import kolmogorov_effects
from sidelight_detectors.drift.numeric import NumericReference, NumericWindow

Floats = NDArray[np.float64]

_ARCS, _NODES = 12, 24
_BEGIN = 0.02
"""Below this statistic the p-value is above 0.99 and told as 1."""


@dataclass(frozen=True, eq=False)
class CramerTest:
    """The mean squared distance between two distribution functions.

    Rows in one cell count as tied, and of tied rows half count as below: with F and G so read,
    N = n + m, and the sum over all rows of both samples,

        T = n m / N^2 sum (F - G)^2 + 1 / (4 N)

    Without ties this is the statistic of T. W. Anderson (Annals of Mathematical Statistics 33,
    1962). `scipy.stats.cramervonmises_2samp` gives the same without ties; with ties and n unlike m
    its statistic grows without bound (7,897 for two equal fair coins of 1,000 and 20,000).

    Order of nulls and NaN as in `KolmogorovTest`, and so are distance and effect. Sees changes that
    are spread over the column better than KS. Misses what KS misses. With ties the p-value is
    conservative.
    """

    reference: NumericReference

    method = "cvm"

    def compare(self, window: NumericWindow) -> Comparisons:
        distance, error = window.distances, self.reference.errors
        statistic = cramer_statistics(window)
        p_values = cramer_ps(statistic, window.rows, self.reference.rows)
        effects = kolmogorov_effects(distance, error, window.rows, self.reference.rows)
        return Comparisons(statistic, distance, error, p_values, *effects)


def cramer_statistics(window: NumericWindow) -> Floats:
    """T of each column."""
    reference, stack = window.reference, window.reference.stack
    n, m = window.rows, reference.rows
    ours, theirs = window.counts * stack.spread(1 / n), reference.counts * stack.spread(1 / m)
    middles = window.differences - (ours - theirs) / 2
    squares = stack.total((window.counts + reference.counts) * middles**2)
    return squares * (n / (n + m)) * (m / (n + m)) + 1 / (4.0 * (n + m))


def cramer_ps(statistic: Floats, n: Counts, m: Counts) -> Floats:
    """P(T >= statistic) for two samples of sizes n and m from one continuous distribution.

    T is brought to the mean and the variance of its limit (Anderson 1962), unless that makes it
    smaller, and looked up there. With ties T is below that law in the limit: tied rows take the
    mean of what any order of theirs would give.
    """
    both = (n + m).astype(np.float64)
    mean = (1 + 1 / both) / 6
    spread = (4 - 3 * (n / m + m / n) / both - 2 / both) * (1 + 1 / both) / 4
    adjusted = (statistic - mean) / np.sqrt(np.maximum(spread, 0.25)) + 1 / 6
    return limit_tail(np.maximum(adjusted, statistic))


def limit_tail(statistic: Floats) -> Floats:
    """P(W > statistic), W the integral of the squared Brownian bridge.

    N. V. Smirnov's series (1937) in v = sqrt(u),

        2 / pi sum_k (-1)^(k-1) int_{(2k-1)pi}^{2k pi} exp(-v^2 w / 2) / sqrt(-v sin v) dv

    each arc by Gauss-Chebyshev's rule, which takes the singularities at its ends. Its leading term
    carries the far tail, so that keeps its digits.
    """
    tails = np.exp(-np.multiply.outer(statistic, _SQUARES / 2)) @ _WEIGHTS
    return np.where(statistic < _BEGIN, 1.0, np.clip(tails, 0.0, 1.0))


def _arcs() -> tuple[Floats, Floats]:
    nodes = np.cos((2 * np.arange(_NODES) + 1) * pi / (2 * _NODES))
    middles = (2 * np.arange(1, _ARCS + 1)[:, None] - 0.5) * pi
    places = middles + nodes * pi / 2
    signs = np.where(np.arange(_ARCS) % 2 == 0, 1.0, -1.0)[:, None]
    rest = np.sqrt((1 - nodes**2) / (-np.sin(places) * places))
    return (places**2).ravel(), (signs * rest * pi / _NODES).ravel()


_SQUARES, _WEIGHTS = _arcs()
