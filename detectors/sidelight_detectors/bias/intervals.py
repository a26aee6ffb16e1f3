"""Intervals of shares, of their differences and ratios, of means, and of what is made of them.

All are vectorised over comparisons. `z` is the normal quantile of the two-sided confidence: 1.96
for 95 %. Where nothing was counted an interval is all that is possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv, ndtr, stdtrit

Floats = NDArray[np.float64]

_FEW = 3
"""So few of yes, or of no, have Wilson's end of their side replaced by that of a Poisson count."""

_STEPS = 12
"""Newton's steps to the end of a ratio; all lie beyond it, and half as many are often exact."""

_WHOLE = 1e-8
"""A share this close to 1 stands for 1, where the likeliest shares are not unique."""


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
    """Wilson's score interval of a binomial share (JASA 22, 1927), as it is mended near 0 and 1.

    Its end towards 0 is too high where `count` is 1 to 3: instead a Poisson count's lower limit, as
    Brown, Cai and DasGupta have it (Statistical Science 16, 2001); alike towards 1.
    """
    k, n = np.broadcast_arrays(*_floats(count, rows))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = k / n
        middle = (k + z * z / 2) / (n + z * z)
        half = z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4)
        low = np.fmin(middle - half, _fewest(k, z) / n)
        high = np.fmax(middle + half, 1 - _fewest(n - k, z) / n)
    return Interval(value, np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0))


def _fewest(count: Floats, z: float) -> Floats:
    """What a Poisson count up to `_FEW` is expected to be at least; NaN of others."""
    return _limits(z)[np.minimum(count, _FEW + 1).astype(np.intp)]


@lru_cache(maxsize=64)
def _limits(z: float) -> Floats:
    return np.array([0.0, *gammaincinv(np.arange(1, _FEW + 1), 2 * ndtr(-z)), np.nan])


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
        high = _highest_ratio(k, n, j, m, z)
        low = 1 / _highest_ratio(j, m, k, n, z)
    known = (n > 0) & (m > 0)
    return Interval(
        value, np.where(known & (k > 0), low, 0.0), np.where(known & (j > 0), high, np.inf)
    )


def _highest_ratio(k: Floats, n: Floats, j: Floats, m: Floats, z: float) -> Floats:
    """The upper end of p / q.

    The likeliest shares with some ratio are p = (k + u) / (n + u) and q = (j - u) / (m - u) for one
    u, above 0 where the ratio is above k m / (n j), and chi-squared is u^2 (a / (k + u) + b / (j -
    u)) with a = 1 - k / n, b = 1 - j / m. Either term alone reaches z^2 at a root of a quadratic;
    from the smaller one Newton's steps fall to the end, as the sum is convex in u.
    """
    a, b = np.maximum(1 - k / n, _WHOLE), np.maximum(1 - j / m, _WHOLE)
    k, j, most = n * (1 - a), m * (1 - b), z * z
    alone = (most + np.sqrt(most * most + 4 * a * most * k)) / (2 * a)
    u = np.minimum(alone, 2 * most * j / (most + np.sqrt(most * most + 4 * b * most * j)))
    for _ in range(_STEPS):
        first, second = a / (k + u), b / (j - u)
        slope = 2 * u * (first + second) + u * u * (second / (j - u) - first / (k + u))
        u = u - (u * u * (first + second) - most) / slope
    return np.asarray((k + u) / (n + u) * (m - u) / (j - u), np.float64)


def mean(
    rows: ArrayLike, total: ArrayLike, squares: ArrayLike, z: float, doubt: float = 0.0
) -> Interval:
    """Of a mean: Student's t at the confidence of `z`. At least two rows tell a variance.

    `doubt` is added to the sum of squared deviations: of rare events a few rows show no spread.
    """
    n, sums, squared = _floats(rows, total, squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = sums / n
        variance = (np.maximum(squared - n * value * value, 0) + doubt) / (n - 1)
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
