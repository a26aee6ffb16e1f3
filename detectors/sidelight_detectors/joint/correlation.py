"""Change of correlation between columns, pair by pair, from sums of products of scores.

Scores are whole numbers below 2^9, so a product is below 2^18 and its sum exact in float64 up to
2^35 rows at once: the matrix product of a batch is exact, under any cut and order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, ndtri

from sidelight_detectors.cells import CategoricalCells, CellIndex, Counts
from sidelight_detectors.contract import Sums
from sidelight_detectors.grid import Grid
from sidelight_detectors.joint.embedding import Embedding, normal_scores
from sidelight_detectors.joint.findings import CONFIDENCE, PairFinding

SPREAD_ROWS = 20_000
"""Reference rows that say how much a correlation varies by chance."""

_CAUTION = 10.0
"""Rows that count for nothing: Fisher's z has somewhat longer tails than the normal."""

_CERTAIN = 0.9999
"""Correlations are cut here: two columns that are one have no change to see."""


@dataclass(frozen=True, eq=False)
class Products:
    """Scores of the columns that have an order, and the sums that correlations need.

    Numeric columns have their normal scores, columns with two categories those of the two; null,
    NaN and new categories count as the middle.

    Parameters
    ----------
    names:
        Of the columns with an order.
    places:
        Which columns of the embedding they are.
    scores:
        For each of them the score of each cell, ``(cells,)`` int64.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]
    scores: tuple[NDArray[np.int64], ...]

    @property
    def size(self) -> int:
        """Numbers in `sums`: of the scores, then of the products of each pair and each square."""
        width = len(self.places)
        return width + width * (width + 1) // 2

    def sums(self, own: CellIndex) -> Sums:
        scores = self.score(own)
        products = (scores.T @ scores)[np.triu_indices(len(self.places))]
        return np.concatenate([scores.sum(axis=0), products]).astype(np.int64)

    def score(self, own: CellIndex) -> NDArray[np.float64]:
        """Shape ``(n, k)``: whole numbers."""
        scores: NDArray[np.float64] = np.empty((len(self.places), len(own)))
        for line, table, place in zip(scores, self.scores, self.places, strict=True):
            line[:] = table.take(own[:, place], mode="clip")
        return scores.T


@dataclass(frozen=True, eq=False)
class CorrelationTest:
    """Fisher's z of each pair in the window against the reference's.

    Sees pairs of ordered columns that go together more or less than they did, also where no column
    has changed. Misses dependence without correlation, and columns of three categories or more.

    Parameters
    ----------
    sums:
        `Products.sums` of the reference's complete rows.
    variances:
        Of Fisher's z in one row of the reference, for each pair, ``(pairs,)``; 1 for normal
        columns. NaN where a column of the pair does not vary.
    """

    names: tuple[str, ...]
    sums: Sums
    rows: int
    variances: NDArray[np.float64]

    def compare(self, sums: Sums, rows: int) -> Changes:
        """A window with at least four complete rows."""
        now = correlations(sums, rows, len(self.names))
        scale = (1 + _CAUTION / rows) / rows + (1 + _CAUTION / self.rows) / self.rows
        variance = self.variances * scale
        return Changes(self.names, self._reference, now, variance)

    @cached_property
    def _reference(self) -> NDArray[np.float64]:
        return correlations(self.sums, self.rows, len(self.names))


@dataclass(frozen=True, eq=False)
class Changes:
    """All pairs at once, in the order of ``np.triu_indices(k, 1)``; NaN where one is constant."""

    names: tuple[str, ...]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    variance: NDArray[np.float64]

    @cached_property
    def p_values(self) -> NDArray[np.float64]:
        """Of each pair, for as many tests as there are pairs (Bonferroni); 1 where unknown."""
        z = (np.arctanh(self.after) - np.arctanh(self.before)) / np.sqrt(self.variance)
        p_values = erfc(np.abs(z) / sqrt(2)) * np.isfinite(z).sum()
        return np.where(np.isfinite(z), np.minimum(p_values, 1.0), 1.0)

    @cached_property
    def effects(self) -> NDArray[np.float64]:
        """Absolute change of each correlation beyond chance, in [0, 2]; 0 where unknown."""
        change, sd = np.abs(self.after - self.before), self._deviation
        with np.errstate(invalid="ignore", divide="ignore"):
            chance = 2 / sqrt(np.pi) * sd * np.exp(-((change / sd) ** 2) / 2)
        return np.nan_to_num(np.maximum(change - chance, 0.0))

    def worst(self, count: int, threshold: float, tolerance: float) -> tuple[PairFinding, ...]:
        """The pairs with the largest effects."""
        order = np.lexsort((self.p_values, -self.effects))[:count]
        return tuple(self._pair(int(place), threshold, tolerance) for place in order)

    def _pair(self, place: int, threshold: float, tolerance: float) -> PairFinding:
        first, second = (int(index[place]) for index in np.triu_indices(len(self.names), 1))
        change = abs(float(self.after[place] - self.before[place]))
        margin = -float(ndtri((1 - CONFIDENCE) / 2) * self._deviation[place])
        p_value, effect = float(self.p_values[place]), float(self.effects[place])
        return PairFinding(
            (self.names[first], self.names[second]),
            float(self.before[place]),
            float(self.after[place]),
            p_value,
            effect,
            max(change - margin, 0.0),
            min(change + margin, 2.0),
            p_value < threshold and effect > tolerance,
        )

    @cached_property
    def _deviation(self) -> NDArray[np.float64]:
        # Back from z: a correlation r moves (1 - r^2) times as far.
        middle = np.tanh((np.arctanh(self.before) + np.arctanh(self.after)) / 2)
        return (1 - middle**2) * np.sqrt(self.variance)


def correlations(sums: Sums, rows: int, width: int) -> NDArray[np.float64]:
    """Of each pair, ``(pairs,)``; NaN where a column does not vary."""
    means, square = sums[:width] / rows, np.zeros((width, width))
    square[np.triu_indices(width)] = sums[width:] / rows
    covariance = square - np.triu(np.outer(means, means))
    first, second = np.triu_indices(width, 1)
    scale = np.sqrt(covariance[first, first] * covariance[second, second])
    found: NDArray[np.float64] = np.divide(
        covariance[first, second], scale, out=np.full(len(scale), np.nan), where=scale > 1e-6
    )
    return found.clip(-_CERTAIN, _CERTAIN)


def fit_products(grid: Grid, counts: Counts, embedding: Embedding) -> Products:
    """Of the columns of the embedding that have an order; at least one pair, else no column."""
    parts = grid.split(counts)
    found = []
    for place, column in enumerate(embedding.columns):
        scores, known = embedding.scores[place], grid.columns[column]
        if isinstance(known, CategoricalCells):
            scores = _two_sided(parts[column], known)
        if np.ptp(scores):
            found.append((known.name, place, scores))
    names, places, tables = zip(*found, strict=True) if len(found) > 1 else ((), (), ())
    return Products(names, places, tables)


def fit_correlation(products: Products, own: CellIndex) -> CorrelationTest:
    """From the reference's complete rows."""
    sums = products.sums(own)
    found = correlations(sums, len(own), len(products.names))
    return CorrelationTest(
        products.names, sums, len(own), _variances(products.score(own[:SPREAD_ROWS]), found)
    )


def _variances(scores: NDArray[np.float64], found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of what one row moves Fisher's z by (its influence function), for each pair."""
    deviations = scores.std(axis=0)
    unit = (scores - scores.mean(axis=0)) / np.where(deviations > 0, deviations, np.nan)
    variances = [
        (unit[:, a] * unit[:, b] - r / 2 * (unit[:, a] ** 2 + unit[:, b] ** 2)).var()
        for a, b, r in zip(*np.triu_indices(scores.shape[1], 1), found, strict=True)
    ]
    factors: NDArray[np.float64] = (1 - found**2) ** -2
    return np.array(variances) * factors


def _two_sided(counts: Counts, column: CategoricalCells) -> NDArray[np.int64]:
    scores = np.zeros(column.size, np.int64)
    known = np.flatnonzero(counts[: column.other])
    if len(known) == 2:
        scores[known] = normal_scores(counts[known])
    return scores
