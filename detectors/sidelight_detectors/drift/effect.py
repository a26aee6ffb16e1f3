"""How large a difference is once chance is taken off, and between which bounds the true one lies.

A distance between two samples is never zero, also when nothing has changed: with 25 categories the
total variation of a window of 600 is about 0.08. What is compared with a tolerance is therefore

    effect = d - c s exp(-(d / s)^2 / 2)

with s the scale of chance: where d is of the order of s, the distance that chance alone gives is
taken off; where it is far larger, chance adds nothing to it and nothing is taken off. c makes the
mean of the effect zero when nothing has changed.
"""

from __future__ import annotations

from math import log, pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sidelight_detectors.drift.chi_squared import Tables

CONFIDENCE = 0.95
"""Of the bounds of an effect."""

NORMAL = 1.959963984540054
"""Standard deviations from the mean within which a normal value lies with `CONFIDENCE`."""

HALF_NORMAL = 2 / sqrt(pi)
"""c for the difference of two shares or distribution functions at one place: the mean of |Z| over
that of exp(-Z^2 / 2), with Z standard normal."""

_KOLMOGOROV = 1.2727366567
"""c for D: E(K) / E(exp(-K^2 / 2)) with K of Kolmogorov's law."""

_MARGIN = sqrt(log(2 / (1 - CONFIDENCE)) / 2)

Floats = NDArray[np.float64]
Effects = tuple[Floats, Floats, Floats]
"""A distance beyond chance, ``(F,)`` each: its size, then the bounds of the true distance.

The size is zero on average when nothing has changed (then cut off below 0), and close to the true
distance when that is well beyond chance; in between it is too small rather than too large. The
bounds hold with `CONFIDENCE` for one column of one window.
"""


def kolmogorov_effects(
    distance: Floats, error: Floats, n: NDArray[Any], m: NDArray[Any]
) -> Effects:
    """Of D between samples of `n` and `m` rows, seen in cells with this `error`.

    The bounds follow from the triangle inequality and the bound on D of `kolmogorov_ps`. On tied
    columns chance gives less than is taken off.
    """
    scale = np.sqrt(1 / n + 1 / m)
    size = distance - _KOLMOGOROV * scale * np.exp(-((distance / scale) ** 2) / 2)
    return _bounded(size, distance, distance + error, scale)


def variation_effects(tables: Tables, error: Floats) -> Effects:
    """Of the total variation in each of the tables.

    One row of a sample moves the total variation by at most one over the sample's size, so it lies
    close to its mean (McDiarmid's inequality); that mean is at least the true value, and above it
    by at most half the groups' standard deviations.
    """
    lowest = tables.variation - tables.stack.total(group_scales(tables)) / 2
    scale = np.sqrt(1 / tables.rows + 1 / tables.reference_rows)
    return _bounded(variation_beyond_chance(tables), lowest, tables.variation + error, scale)


def variation_beyond_chance(tables: Tables) -> Floats:
    """The total variation with what chance gives taken off; below 0 by chance."""
    ours, theirs = tables.shares
    return tables.variation - tables.stack.total(chance_of(ours - theirs, group_scales(tables))) / 2


def group_scales(tables: Tables) -> Floats:
    """The standard deviation of each difference of shares when nothing has changed."""
    sizes = tables.stack.spread(1 / tables.rows + 1 / tables.reference_rows)
    return np.sqrt(tables.pooled * (1 - tables.pooled) * sizes)


def chance_of(differences: Floats, scales: Floats) -> Floats:
    """What to take off absolute differences of these scales."""
    ratios = np.divide(differences, scales, out=np.zeros_like(scales), where=scales > 0)
    return HALF_NORMAL * scales * np.exp(-(ratios**2) / 2)


def _bounded(size: Floats, low: Floats, high: Floats, scale: Floats) -> Effects:
    margin = scale * _MARGIN
    return np.maximum(size, 0.0), np.maximum(low - margin, 0.0), np.minimum(high + margin, 1.0)
