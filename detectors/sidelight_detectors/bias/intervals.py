"""Intervals of shares, of their differences and ratios, of means, and of what is made of them.

All are vectorised over comparisons. `z` is the normal quantile of the two-sided confidence: 1.96
for 95 %. Where nothing was counted an interval is all that is possible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtrit

Floats = NDArray[np.float64]

_STEPS = 44
"""Halvings of the range in which the end of a ratio is looked for: to 2e-12 of it."""

_WIDEST = 30.0
"""Natural logarithm of the largest ratio that is looked at."""


@dataclass(frozen=True, eq=False)
class Interval:
    """An estimate with its ends, each of any one shape; NaN where there is no estimate."""

    value: Floats
    low: Floats
    high: Floats

    def times(self, weight: float) -> Interval:
        """Of the estimated thing, so many times."""
        ends = (self.low, self.high) if weight >= 0 else (self.high, self.low)
        return Interval(weight * self.value, weight * ends[0], weight * ends[1])

    @property
    def size(self) -> Interval:
        """Of the absolute value."""
        outer = np.maximum(np.abs(self.low), np.abs(self.high))
        inner = np.maximum(np.maximum(self.low, -self.high), 0.0)
        return Interval(np.abs(self.value), inner, outer)


def share(count: ArrayLike, rows: ArrayLike, z: float) -> Interval:
    """Wilson's score interval of a binomial share (JASA 22, 1927)."""
    k, n = _floats(count, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = k / n
        middle = (k + z * z / 2) / (n + z * z)
        half = z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4)
    low = np.where(k > 0, middle - half, 0.0)
    high = np.where(k < n, middle + half, 1.0)
    return Interval(value, np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0))


def odds(count: ArrayLike, rows: ArrayLike, z: float) -> Interval:
    """Of the odds p / (1 - p): Wilson's ends, carried over."""
    found = share(count, rows, z)
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = (one / (1 - one) for one in (found.value, found.low, found.high))
        return Interval(*ends)


def combined(parts: list[Interval]) -> Interval:
    """Of a sum of independent estimates, from the interval of each.

    The method of variance estimates recovery, MOVER (Zou and Donner, Statistics in Medicine 27,
    2008): how far each part's own end lies from its estimate tells its variance near that end. Of
    the difference of two shares it is Newcombe's hybrid score interval.
    """
    with np.errstate(invalid="ignore"):
        value = sum((part.value for part in parts), np.zeros(()))
        below = sum(((part.value - part.low) ** 2 for part in parts), np.zeros(()))
        above = sum(((part.high - part.value) ** 2 for part in parts), np.zeros(()))
        low, high = value - np.sqrt(below), value + np.sqrt(above)
    # Of a part that is infinite or not known at all, the sum may be anything.
    return Interval(value, _or(low, -np.inf), _or(high, np.inf))


def difference(
    count: ArrayLike, rows: ArrayLike, other_count: ArrayLike, other_rows: ArrayLike, z: float
) -> Interval:
    """Of p - q for two independent shares: Newcombe's method 10 (Stat. in Medicine 17, 1998)."""
    own, other = share(count, rows, z), share(other_count, other_rows, z)
    return combined([own, other.times(-1)])


def ratio(
    count: ArrayLike, rows: ArrayLike, other_count: ArrayLike, other_rows: ArrayLike, z: float
) -> Interval:
    """Of p / q for two independent shares: Koopman's score interval (Biometrics 40, 1984).

    It holds every ratio that a chi-squared test on the most likely shares with this ratio does not
    reject; its lower end is 0 where `count` is, the upper one infinite where `other_count` is 0.
    """
    k, n, j, m = np.broadcast_arrays(*_floats(count, rows, other_count, other_rows))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (k / n) / (j / m)
    middle = np.log(np.maximum(k, 0.5) / np.maximum(n, 1) * np.maximum(m, 1) / np.maximum(j, 0.5))
    ends = []
    for direction in (-_WIDEST, _WIDEST):
        inside, outside = middle, np.full(middle.shape, direction)
        for _ in range(_STEPS):
            tried = (inside + outside) / 2
            holds = _score(np.exp(tried), k, n, j, m) <= z
            inside, outside = np.where(holds, tried, inside), np.where(holds, outside, tried)
        ends.append(np.exp(inside))
    low, high = np.where(k > 0, ends[0], 0.0), np.where(j > 0, ends[1], np.inf)
    return Interval(value, np.where(n > 0, low, 0.0), np.where(m > 0, high, np.inf))


def _score(phi: Floats, k: Floats, n: Floats, j: Floats, m: Floats) -> Floats:
    """How many standard errors the counts are from the likeliest shares with ratio `phi`."""
    a, b = (n + m) * phi, n * phi + k + m + j * phi
    root = np.sqrt(np.maximum(b * b - 4 * a * (k + j), 0.0))
    q = np.clip(2 * (k + j) / np.maximum(b + root, 1e-300), 0, 1)  # stable for small phi
    p = np.clip(phi * q, 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = p * (1 - p) / n + phi * phi * q * (1 - q) / m
        apart = np.abs(k / n - phi * (j / m))
        return np.where(apart > 0, apart / np.sqrt(spread), 0.0)


def mean(rows: ArrayLike, total: ArrayLike, squares: ArrayLike, z: float) -> Interval:
    """Of a mean: Student's t at the confidence of `z`. At least two rows tell a variance."""
    n, sums, squared = _floats(rows, total, squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = sums / n
        variance = np.maximum(squared - n * value * value, 0) / (n - 1)
        half = stdtrit(np.maximum(n - 1, 1), ndtr(z)) * np.sqrt(variance / n)
    half = np.where(n > 1, half, np.inf)
    return Interval(value, value - half, value + half)


def largest(parts: list[Interval], stricter: list[Interval]) -> Interval:
    """Of the largest of some sizes that are not below 0.

    It lies above its own part's upper end as seldom as that part alone; but any part's lower end
    may lie too high, so those are of `stricter` intervals, with an error of one part's share
    (Bonferroni).
    """
    value = np.max([part.value for part in parts], axis=0)
    low = np.max([part.low for part in stricter], axis=0)
    return Interval(value, low, np.max([part.high for part in parts], axis=0))


def _or(values: Floats, otherwise: float) -> Floats:
    return np.where(np.isnan(values), otherwise, values)


def _floats(*values: ArrayLike) -> list[Floats]:
    return [np.asarray(one, np.float64) for one in values]
