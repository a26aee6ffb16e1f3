"""Chi-squared test of homogeneity from category counts, with a p-value exact in the far tail."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, gammaln, ndtri

from sidelight_detectors.cells import Counts
from sidelight_detectors.drift.comparison import Comparisons
from sidelight_detectors.drift.effect import variation_effects
from sidelight_detectors.drift.groups import Groups
from sidelight_detectors.drift.stack import Stack, stack_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChiSquaredTest:
    """Whether two samples fall into the same groups (`drift.groups`) equally often.

    The statistic is Pearson's over groups; the distance is the total variation over groups. The
    p-value does not rest on the chi-squared limit, which is wrong by orders of magnitude where
    alpha spending looks: see `homogeneity_ps`. It needs no group to be large, so a pool the
    reference leaves empty is tested like any other.

    Sees any change of the groups' shares. Misses changes inside a pool, up to `pooled`, and so
    everything in a column whose values hardly ever repeat.

    """

    groups: Groups

    method = "chi2"

    def compare(self, counts: Counts) -> Comparisons:
        """A window's counts in the cells of `groups`, at least one row in each column."""
        tables = Tables(self.groups.count(counts), self.groups.reference, self.groups.stack)
        error = self.groups.pooled
        size, low, high = variation_effects(tables, error)
        return Comparisons(
            pearson(tables), tables.variation, error, homogeneity_ps(tables), size, low, high
        )


@dataclass(frozen=True, eq=False)
class Tables:
    """Window and reference, ``(groups,)`` each, as one ``(2, k)`` table a column of `stack`."""

    window: Counts
    reference: Counts
    stack: Stack

    @cached_property
    def rows(self) -> Counts:
        """Rows of the window in each column."""
        return self.stack.total(self.window)

    @cached_property
    def reference_rows(self) -> Counts:
        return self.stack.total(self.reference)

    @cached_property
    def shares(self) -> tuple[Floats, Floats]:
        """Of the column's rows in each group."""
        spread = self.stack.spread
        return self.window / spread(self.rows), self.reference / spread(self.reference_rows)

    @cached_property
    def pooled(self) -> Floats:
        """The share in both samples together."""
        both = self.rows + self.reference_rows
        return (self.window + self.reference) / self.stack.spread(both)

    @cached_property
    def variation(self) -> Floats:
        """Half the summed differences of shares, in [0, 1], ``(F,)``."""
        ours, theirs = self.shares
        return self.stack.total(np.abs(ours - theirs)) / 2


def one_table(table: NDArray[np.int64]) -> Tables:
    """A ``(2, k)`` table of one column: window, then reference."""
    return Tables(table[0], table[1], stack_of([table.shape[1]]))


def pearson(tables: Tables) -> Floats:
    """Pearson's statistic of each column; groups that both samples leave empty add nothing."""
    ours, theirs = tables.shares
    pooled = tables.pooled
    terms = np.divide((ours - theirs) ** 2, pooled, out=np.zeros(len(pooled)), where=pooled > 0)
    n, m = tables.rows, tables.reference_rows
    return tables.stack.total(terms) * n * m / (n + m)


def homogeneity_ps(tables: Tables) -> Floats:
    """P-value of each column that holds in the far tail too, at any counts.

    Given its margins the first row falls into the columns one after the other by hypergeometric
    laws. Each tail, counted exactly with half the mass of what was seen, becomes a normal score,
    and the squared scores are summed: the partition of H. O. Lancaster (Biometrika 36, 1949) with
    exact components. For large counts this is Pearson's test.

    With a random share of that mass in place of half, the sum would be exactly chi-squared with
    k - 1 degrees of freedom; squared normal scores are convex, so by Jensen's inequality the sum is
    below it in the increasing convex order. That bounds P(p <= x) by
    2.75 x where evaluated (2 to 151 groups, x from 1e-2 to 1e-7); measured it is at most x, within
    error (docs/decisions/0005).
    """
    stack = tables.stack
    before = stack.running(tables.window, tables.rows) - tables.window
    both = tables.window + tables.reference
    beyond = stack.spread(tables.rows + tables.reference_rows) - stack.running(
        both, tables.rows + tables.reference_rows
    )
    scores = normal_scores(tables.window, both, stack.spread(tables.rows) - before, beyond)
    degrees = stack.total((both > 0).astype(np.int64)) - 1
    squares = stack.total(np.where(both > 0, scores**2, 0.0))
    tails: Floats = chdtrc(np.maximum(degrees, 1.0), squares)
    return np.where(degrees > 0, tails, 1.0)


def normal_scores(hits: Counts, good: Counts, draws: Counts, bad: Counts) -> Floats:
    """The normal score of the mid-tail of `hits` good ones in `draws` from `good` + `bad`."""
    upper = hits * (good + bad) >= draws * good
    hits = np.where(upper, hits, draws - hits)
    good, bad = np.where(upper, good, bad), np.where(upper, bad, good)
    mass = np.exp(_log_mass(hits, good, draws, bad))
    tails = mass * (0.5 + _later_masses(hits, good, draws, bad))
    scores: Floats = ndtri(np.maximum(tails, np.finfo(float).tiny))
    return scores


def _later_masses(hits: Counts, good: Counts, draws: Counts, bad: Counts) -> Floats:
    """The masses of more hits than these, in units of the mass of `hits`."""
    steps = hits[:, None] + np.arange(_steps_needed(hits, good, draws, bad), dtype=np.float64)
    ways = np.maximum((good[:, None] - steps) * (draws[:, None] - steps), 0.0)
    ways[steps >= np.minimum(good, draws)[:, None]] = 0.0
    ratios = ways / ((steps + 1) * ((bad - draws)[:, None] + steps + 1))
    masses: Floats = np.cumprod(ratios, axis=1).sum(axis=1)
    return masses


def _steps_needed(hits: Counts, good: Counts, draws: Counts, bad: Counts) -> int:
    """Beyond seven standard deviations and 30 more hardly 1e-10 of a tail is left."""
    all_ = np.maximum(good + bad, 1.0)
    deviation = np.sqrt(draws * (good / all_) * (bad / all_))
    most = np.minimum(good, draws) - hits
    return int(np.minimum(most, 7 * deviation + 30).max(initial=0.0))


def _log_mass(hits: Counts, good: Counts, draws: Counts, bad: Counts) -> Floats:
    return _log_choose(good, hits) + _log_choose(bad, draws - hits) - _log_choose(good + bad, draws)


def _log_choose(n: Counts, k: Counts) -> Floats:
    ways: Floats = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return ways
