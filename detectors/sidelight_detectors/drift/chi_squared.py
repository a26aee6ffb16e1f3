"""Chi-squared test of homogeneity from category counts, with a p-value exact in the far tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, chdtri, gammaln

from sidelight_detectors.cells import CategoricalCells, Counts

MIN_EXPECTED = 5.0
"""A category expected less often in a window is pooled with the other rare ones."""

POOL = 0


@dataclass(frozen=True, eq=False)
class ChiSquaredTest:
    """Whether two samples fall into the same categories equally often.

    Group 0, the pool, holds every value that is not a known category, and the categories (null is
    one) expected fewer than `MIN_EXPECTED` times in a window. It is fixed at fit.

    The statistic is Pearson's over groups; the distance is the total variation over groups. The
    p-value does not rest on the chi-squared limit, which is wrong by orders of magnitude where
    alpha spending looks: see `homogeneity_p`. It needs no group to be large, so a pool of nothing
    but values never seen before is tested like any other.

    Sees any change of the groups' shares. Misses changes inside the pool, up to `error`.

    Parameters
    ----------
    groups:
        Shape ``(cells,)``: the group of each cell.
    reference:
        Shape ``(groups,)``: reference counts.
    error:
        The pool's reference share when it holds more than one cell: the total variation over cells
        exceeds that over groups by at most this.
    """

    groups: NDArray[np.int64]
    reference: Counts
    error: float

    method = "chi2"

    def table(self, counts: Counts) -> NDArray[np.int64]:
        """Shape ``(2, groups)``: window and reference, without groups that both leave empty."""
        window = np.bincount(self.groups, counts, len(self.reference)).astype(np.int64)
        table = np.stack([window, self.reference])
        return table[:, table.any(axis=0)]


def fit_chi_squared(cells: CategoricalCells, reference: Counts, window: int) -> ChiSquaredTest:
    """Groups for windows of `window` rows, by the reference's shares."""
    expected = reference * (window / max(reference.sum(), 1))
    apart = (expected >= MIN_EXPECTED) & (reference >= MIN_EXPECTED)
    apart[cells.other] = False
    groups = np.where(apart, np.cumsum(apart), POOL)
    counts = np.bincount(groups, reference, int(apart.sum()) + 1).astype(np.int64)
    pooled = reference[~apart]
    error = pooled.sum() / max(reference.sum(), 1) if np.count_nonzero(pooled) else 0.0
    return ChiSquaredTest(groups, counts, float(error))


def pearson(table: NDArray[np.int64]) -> float:
    """Pearson's statistic of a ``(2, k)`` table whose columns are not all zero."""
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def total_variation(table: NDArray[np.int64]) -> float:
    """Half the summed differences of the two rows' shares, in [0, 1]."""
    shares = table / table.sum(axis=1, keepdims=True)
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def homogeneity_p(table: NDArray[np.int64]) -> float:
    """A p-value for a ``(2, k)`` table that is never too small, at any size and any level.

    Given its margins the table's first row falls into its columns one after the other by
    hypergeometric laws. Each gives a two-sided exact p-value, conservative given those before it.
    Turned into squared normal scores, their sum is at most chi-squared with k - 1 degrees of
    freedom (the partition of H. O. Lancaster, Biometrika 36, 1949, with exact components).
    For large counts it agrees with Pearson's test.
    """
    drawn, other = table
    left = table.sum() - np.cumsum(table.sum(axis=0))
    rest = drawn.sum() - np.cumsum(drawn) + drawn
    p = [
        hypergeometric_p(int(k), int(k + r), int(n), int(after))
        for k, r, n, after in zip(drawn[:-1], other[:-1], rest[:-1], left[:-1], strict=True)
    ]
    if not p:
        return 1.0
    scores = chdtri(1.0, np.maximum(p, 1e-300))
    return float(chdtrc(float(len(p)), scores.sum()))


def hypergeometric_p(hits: int, good: int, draws: int, bad: int) -> float:
    """Two-sided exact p of `hits` good ones in `draws` from `good` + `bad`: twice the smaller tail.

    Sums the tail away from the mean term by term, so it stays accurate far out.
    """
    if hits * (good + bad) < draws * good:
        hits, bad, good = draws - hits, good, bad
    steps = np.arange(hits, min(good, draws), dtype=np.float64)
    ratios = (good - steps) * (draws - steps) / ((steps + 1) * (bad - draws + steps + 1))
    tail = np.exp(_log_mass(hits, good, draws, bad)) * (1.0 + np.cumprod(ratios).sum())
    return float(min(1.0, 2.0 * tail))


def _log_mass(hits: int, good: int, draws: int, bad: int) -> float:
    return float(
        _log_choose(good, hits) + _log_choose(bad, draws - hits) - _log_choose(good + bad, draws)
    )


def _log_choose(n: int, k: int) -> float:
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
