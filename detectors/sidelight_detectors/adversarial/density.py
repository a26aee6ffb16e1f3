"""How crowded places are without an attack, and how much a run of near queries says against that.

For one table, call p the share of ordinary queries that fall into a place. Of a place that some
query has just opened two things are known: its count among the reference's rows, and how p is
spread over the places that ordinary queries open. That spread is learned from the reference: of
each of its rows, how many others share its place (the nonparametric maximum likelihood estimate of
Kiefer and Wolfowitz, on a grid, by expectation maximisation). Both give what p may be, with
weights: that is the reference's own neighbour structure.

Evidence that h of the next m queries fall into a place is a likelihood ratio

    E = mean_j  s_j^h (1 - s_j)^(m - h)  /  sum_g w_g  max_{p <= c p_g} p^h (1 - p)^(m - h)

of attacks that have the share s_j of the traffic, to traffic that is up to c times as crowded as
the reference anywhere. Its mean under such traffic is at most 1 at each m, whatever was seen before
(the maximum is no less than the truth), so the chance that it ever reaches 1/a is at most a.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ATTACK_SHARES = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 0.9)
"""Of the traffic that may be an attack's; half a decade loses little to the best in between."""

STEPS_PER_DECADE, ROUNDS = 6, 200
"""Of the grid of p, and of the maximisation."""

SPREAD_EVENLY = 0.01
"""Of the weight, so that nothing is impossible because the reference happens not to show it."""

LOWEST = 0.1
"""Reference rows that the emptiest place has on average: a reference cannot tell less from less."""

SMALL, GROWTH = 16, 1.15
"""Counts up to SMALL are levels of their own, then each level is so many times the one before."""


@dataclass(frozen=True, eq=False)
class Density:
    """What places of each table hold without an attack.

    Parameters
    ----------
    rows:
        Reference rows that were counted, each different from all others.
    weights:
        Shape ``(tables, G)``: how often ordinary queries open a place with each of the G `shares`.
    """

    rows: int
    weights: Floats

    @cached_property
    def shares(self) -> Floats:
        """The grid of p."""
        return _grid(self.rows)

    @cached_property
    def levels(self) -> Ints:
        """Counts of the reference that are told apart where evidence is only roughly needed."""
        found = [*range(SMALL + 1)]
        while found[-1] < self.rows:
            found.append(int(np.ceil(found[-1] * GROWTH)))
        return np.array(found, np.int64)

    def level_of(self, counts: NDArray[np.integer]) -> NDArray[np.uint8]:
        """The level at or above each count."""
        return np.searchsorted(self.levels, counts).astype(np.uint8)

    def expected(self, table: int, count: int, trials: int) -> float:
        """Near queries that `trials` ordinary ones bring to a place with this reference count."""
        weights = np.exp(self._posterior(np.array([table]), np.array([count])))[0]
        return float(trials * (weights @ self.shares))

    def evidence(
        self, tables: Ints, counts: Ints, hits: Ints, trials: Ints, crowding: Floats
    ) -> Floats:
        """ln E of places; all ``(n,)``: table and reference count of each, hits of its trials."""
        return self._evidence(self._posterior(tables, counts), hits, trials, crowding)

    def needed(self, trials: int, log_threshold: float, crowding: float) -> Ints:
        """Queries that are enough in so many, ``(tables, levels)``; its first is one of them.

        More than `trials` where none are enough.
        """
        tables, levels = len(self.weights), len(self.levels)
        counts = np.tile(np.minimum(self.levels, self.rows), tables)
        posterior = self._posterior(np.repeat(np.arange(tables), levels), counts)
        of = np.full(len(counts), trials, np.int64)
        low, high, allowed = np.zeros_like(of), of + 1, np.full(len(of), crowding)
        while (high - low > 1).any():
            middle = (low + high) // 2
            enough = self._evidence(posterior, middle, of, allowed) >= log_threshold
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high.reshape(tables, levels) + 1

    def _evidence(self, posterior: Floats, hits: Ints, trials: Ints, crowding: Floats) -> Floats:
        s = np.array(ATTACK_SHARES)
        attack = _log_sum(_log_likelihood(hits[:, None], trials[:, None], s)) - np.log(len(s))
        highest = np.minimum(np.multiply.outer(crowding, self.shares), 0.999)
        likely = np.minimum((hits / np.maximum(trials, 1))[:, None], highest)
        usual = _log_likelihood(hits[:, None], trials[:, None], likely)
        return np.asarray(attack - _log_sum(posterior + usual), np.float64)

    def _posterior(self, tables: Ints, counts: Ints) -> Floats:
        """Logarithms of the weights of p, ``(n, G)``, given counts among the reference."""
        found = np.log(self.weights)[tables]
        found = found + _log_likelihood(counts[:, None], self.rows, self.shares)
        return np.asarray(found - _log_sum(found)[:, None], np.float64)


def fit_density(counts: Ints, rows: int) -> Density:
    """From the reference's count of each place, ``(tables, PLACES)``."""
    weights = np.stack([_spread(own[own > 0], rows) for own in counts])
    return Density(rows, weights)


def _spread(counts: Ints, rows: int) -> Floats:
    """Weights of p over places that queries open: each row saw its place without itself."""
    others, places = np.unique(counts - 1, return_counts=True)
    of_rows = places * (others + 1) / rows
    likelihood = _log_likelihood(others[:, None], rows - 1, _grid(rows))
    relative = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    weights = np.full(relative.shape[1], 1 / relative.shape[1])
    for _ in range(ROUNDS):
        shared = relative * weights
        weights = of_rows @ (shared / shared.sum(axis=1, keepdims=True))
    even = np.full(len(weights), 1 / len(weights))
    return np.asarray((1 - SPREAD_EVENLY) * weights + SPREAD_EVENLY * even, np.float64)


def _grid(rows: int) -> Floats:
    lowest = np.log10(LOWEST / rows)
    steps = int(np.ceil(-lowest * STEPS_PER_DECADE))
    return np.minimum(np.logspace(lowest, 0, steps + 1), 0.999)


def _log_likelihood(hits: Ints, trials: Ints | int, p: Floats) -> Floats:
    return np.asarray(special.xlogy(hits, p) + special.xlog1py(trials - hits, -p), np.float64)


def _log_sum(logs: Floats) -> Floats:
    """Of each row, without scipy's checks: this runs often on little."""
    highest = logs.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(logs - highest).sum(axis=1)) + highest[:, 0], np.float64)
