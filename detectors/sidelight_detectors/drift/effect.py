"""How large a difference is once chance is taken off, and between which bounds the true one lies.

A distance between two samples is never zero, also when nothing has changed: with 25 categories the
total variation of a window of 600 is about 0.08. What is compared with a tolerance is therefore

    effect = d - c s exp(-(d / s)^2 / 2)

with s the scale of chance: where d is of the order of s, the distance that chance alone gives is
taken off; where it is far larger, chance adds nothing to it and nothing is taken off. c makes the
mean of the effect zero when nothing has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Of the bounds of an effect."""

_KOLMOGOROV = 1.2727366567
"""c for D: E(K) / E(exp(-K^2 / 2)) with K of Kolmogorov's law."""

_NORMAL = 2 / sqrt(pi)
"""c for the difference of two shares: the same with the absolute value of a standard normal."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A distance beyond chance.

    `size` is zero on average when nothing has changed (then cut off below 0), and close to the true
    distance when that is well beyond chance; in between it is too small rather than too large.
    `low` and `high` are `CONFIDENCE` bounds of the true distance, valid for this one column of this
    one window.
    """

    size: float
    low: float
    high: float


def kolmogorov_effect(distance: float, error: float, n: int, m: int) -> Effect:
    """Of D between samples of `n` and `m` rows, seen in cells with this `error`.

    The bounds follow from the triangle inequality and the bound on D of `kolmogorov_p`. On tied
    columns chance gives less than is taken off.
    """
    scale = sqrt(1 / n + 1 / m)
    size = distance - _KOLMOGOROV * scale * exp(-((distance / scale) ** 2) / 2)
    return _bounded(size, distance, distance + error, scale)


def variation_effect(table: NDArray[np.int64], error: float) -> Effect:
    """Of the total variation between the rows of a ``(2, k)`` table without empty columns.

    One row of a sample moves the total variation by at most one over the sample's size, so it lies
    close to its mean (McDiarmid's inequality); that mean is at least the true value, and above it
    by at most half the groups' standard deviations.
    """
    n, m = table.sum(axis=1).tolist()
    shares, pooled = table / np.array([[n], [m]]), table.sum(axis=0) / (n + m)
    distances = np.abs(shares[0] - shares[1])
    scales = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    ratios = np.divide(distances, scales, out=np.zeros_like(scales), where=scales > 0)
    total = float(distances.sum() / 2)
    chance = float((_NORMAL * scales * np.exp(-(ratios**2) / 2)).sum() / 2)
    lowest = total - float(scales.sum() / 2)
    return _bounded(total - chance, lowest, total + error, sqrt(1 / n + 1 / m))


def _bounded(size: float, low: float, high: float, scale: float) -> Effect:
    margin = scale * sqrt(log(2 / (1 - CONFIDENCE)) / 2)
    return Effect(max(size, 0.0), max(low - margin, 0.0), min(high + margin, 1.0))
