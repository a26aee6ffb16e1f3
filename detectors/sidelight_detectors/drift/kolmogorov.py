"""Two-sample Kolmogorov-Smirnov from cell counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import e, exp

import numpy as np

from sidelight_detectors.cells import Counts
from sidelight_detectors.drift.comparison import Comparison
from sidelight_detectors.drift.effect import kolmogorov_effect


@dataclass(frozen=True, eq=False)
class KolmogorovTest:
    """The largest distance between two distribution functions.

    Nulls count as larger than NaN, and NaN as larger than every number, so that a change of their
    share is a distance like any other (`scipy.stats.ks_2samp` on values so replaced).

    Sees any change of one column's distribution, best near the median. Misses changes between
    columns, and changes inside one gap of a coarsened column up to `error`. With ties the p-value
    is conservative.

    Parameters
    ----------
    reference:
        Shape ``(cells,)``: counts of the reference in the column's cells, in order.
    """

    reference: Counts

    method = "ks"

    @property
    def error(self) -> float:
        """The largest reference share in one gap: D exceeds what cells show by at most this.

        Inside a gap ``F_n - F_m`` can pass its value at the gap's ends only by the reference's
        own mass there; at points, and in gaps the reference leaves empty, it cannot.
        """
        gaps = self.reference[:-2:2]
        return float(gaps.max(initial=0) / max(self.reference.sum(), 1))

    def distance(self, counts: Counts) -> float:
        """D between the window's counts and the reference, in [0, 1]."""
        window = np.cumsum(counts) / counts.sum()
        reference = np.cumsum(self.reference) / self.reference.sum()
        return float(np.abs(window - reference).max())

    def compare(self, counts: Counts) -> Comparison:
        """A window with at least one row."""
        distance, n, m = self.distance(counts), int(counts.sum()), int(self.reference.sum())
        effect = kolmogorov_effect(distance, self.error, n, m)
        return Comparison(distance, distance, kolmogorov_p(distance, n, m), effect)


def kolmogorov_p(distance: float, n: int, m: int) -> float:
    """An upper bound of P(D >= distance) for two samples of sizes n and m from one distribution.

    ``min(1, C exp(-2 nm/(n+m) D^2))``, the two-sample Dvoretzky-Kiefer-Wolfowitz inequality with
    the constants of Fan Wei and Richard M. Dudley, "Two-sample Dvoretzky-Kiefer-Wolfowitz
    inequalities", Statistics & Probability Letters 82 (2012): C = 2 for n = m >= 458 (proved) and
    for n != m with the larger at least 4 (computed up to 200, conjectured beyond). For n = m from 4
    to 457 C = 2.16863 is enough, below that C = e (both computed). With C = 2 it is the first term
    of Kolmogorov's asymptotic law; the others are below 1e-3 of it from p = 0.1 downwards.
    """
    return min(1.0, _constant(n, m) * exp(-2.0 * n * m / (n + m) * distance**2))


def _constant(n: int, m: int) -> float:
    if max(n, m) < 4:
        return e
    return 2.16863 if n == m < 458 else 2.0
