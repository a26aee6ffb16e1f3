"""Divergences between shares of groups: PSI, Jensen-Shannon, total variation.

They are of the groups (`drift.groups`): ten of about equal reference shares for numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from sidelight_detectors.cells import Counts
from sidelight_detectors.drift.chi_squared import Tables
from sidelight_detectors.drift.effect import NORMAL, variation_beyond_chance, variation_effects
from sidelight_detectors.drift.measures.measured import Measured, View

Floats = NDArray[np.float64]

ByGroup = Callable[[Floats, Counts], Floats]
"""n times what a group of this share adds to a divergence by chance in n rows."""

_LAMBDAS = np.logspace(-4, 4, 161)


@dataclass(frozen=True, eq=False)
class Psi:
    """Population stability index, ``sum (a - b) ln(a / b)`` over the groups' shares.

    No share is 0: each sample is given one row more, spread like both samples together. Chance
    gives about ``(k - 1) (1/n + 1/m)`` in k groups; a group expected less than about three times
    gives less, which is taken from the Poisson law.
    """

    def measure(self, view: View) -> Measured:
        tables = view.tables
        ours, theirs = _one_row_more(tables)
        ratios = np.log(np.divide(ours, theirs, out=np.ones_like(ours), where=theirs > 0))
        values = tables.stack.total((ours - theirs) * ratios)
        inverse = np.exp(-ratios)
        slopes = ratios + 1 - inverse, 1 - 1 / inverse - ratios
        return _divergence(tables, values, _chance(tables, _psi_of_counts), (ours, theirs), slopes)


@dataclass(frozen=True, eq=False)
class JensenShannon:
    """Jensen-Shannon divergence in bits, in [0, 1]: the square of `scipy.spatial.distance`'s
    ``jensenshannon(a, b, base=2)``.

    Chance gives about ``(k - 1) (1/n + 1/m) / (8 ln 2)`` in k groups.
    """

    def measure(self, view: View) -> Measured:
        tables = view.tables
        ours, theirs = tables.shares
        bits = 0.5 / log(2)
        slopes = bits * _log_to_middle(ours, theirs), bits * _log_to_middle(theirs, ours)
        values = tables.stack.total(ours * slopes[0] + theirs * slopes[1])
        chance = _chance(tables, _js_of_counts)
        return _divergence(tables, values, chance, (ours, theirs), slopes)


@dataclass(frozen=True, eq=False)
class TotalVariation:
    """Half the summed differences of the groups' shares, in [0, 1].

    `error` is the reference share of pooled categories. Chance and bounds as in `drift.effect`.
    """

    pooled: Floats

    def measure(self, view: View) -> Measured:
        _, low, high = variation_effects(view.tables, self.pooled)
        effect = variation_beyond_chance(view.tables)
        return Measured(view.tables.variation, effect, low, high, self.pooled)


def _one_row_more(tables: Tables) -> tuple[Floats, Floats]:
    spread, pooled = tables.stack.spread, tables.pooled
    return (
        (tables.window + pooled) / spread(tables.rows + 1),
        (tables.reference + pooled) / spread(tables.reference_rows + 1),
    )


def _log_to_middle(ours: Floats, theirs: Floats) -> Floats:
    ratios = np.divide(2 * ours, ours + theirs, out=np.ones_like(ours), where=ours > 0)
    return np.log(ratios)


def _divergence(
    tables: Tables,
    values: Floats,
    chance: Floats,
    shares: tuple[Floats, Floats],
    slopes: tuple[Floats, Floats],
) -> Measured:
    """Bounds by the delta method; near zero, where slopes vanish, the spread of chance is left."""
    degrees = np.maximum(tables.stack.total((tables.pooled > 0).astype(np.int64)) - 1, 1)
    variance = 2 * chance**2 / degrees
    for share, slope, rows in zip(
        shares, slopes, (tables.rows, tables.reference_rows), strict=True
    ):
        mean = tables.stack.total(share * slope)
        variance = variance + (tables.stack.total(share * slope**2) - mean**2) / rows
    effect, margin = values - chance, NORMAL * np.sqrt(np.maximum(variance, 0.0))
    low, high = np.maximum(effect - margin, 0.0), np.maximum(effect + margin, 0.0)
    return Measured(values, effect, low, high, np.zeros_like(values))


def _chance(tables: Tables, by_group: ByGroup) -> Floats:
    """The expected value when nothing has changed, as the reference's shares tell it."""
    shares = tables.shares[1]
    sides = (tables.rows, tables.reference_rows)
    return sum(
        (
            tables.stack.total((1 - shares) * by_group(shares, tables.stack.spread(rows))) / rows
            for rows in sides
        ),
        np.zeros(len(tables.rows)),
    )


def _psi_of_counts(shares: Floats, rows: Counts) -> Floats:
    expected = shares * rows
    never = expected * np.exp(-expected) * np.log1p(rows) * rows / (rows + 1)
    return never + np.interp(expected, _LAMBDAS, _poisson_means()[0])


def _js_of_counts(shares: Floats, rows: Counts) -> Floats:
    expected = shares * rows
    return np.where(expected > 0, np.interp(expected, _LAMBDAS, _poisson_means()[1]), 0.0)


@cache
def _poisson_means() -> tuple[Floats, Floats]:
    """For counts X of each of these means L: E (X - L) ln(X / L) over X > 0, and for JS."""
    means = [_means_of(mean) for mean in _LAMBDAS]
    return np.array([mean[0] for mean in means]), np.array([mean[1] for mean in means])


def _means_of(mean: float) -> tuple[float, float]:
    reach = 12 * mean**0.5
    counts = np.arange(max(0.0, np.floor(mean - reach)), mean + reach + 30)
    masses = np.exp(xlogy(counts, mean) - mean - gammaln(counts + 1))
    psi = np.where(counts > 0, (counts - mean) * np.log(np.maximum(counts, 1) / mean), 0.0)
    halves = (counts + mean) / 2
    js = xlogy(counts, counts / halves) + mean * np.log(mean / halves)
    return float(masses @ psi), float(masses @ js / (2 * log(2)))
