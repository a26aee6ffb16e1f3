"""The smallest gap that would be called unfair with a given chance, at the sizes there were.

By the normal approximation: a gap is seen when it is as far beyond the tolerance as the interval
reaches, and further by what chance takes away in so many cases. For shares that is a quadratic.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from sidelight_detectors.bias.intervals import Floats, Interval


def gap_of_shares(
    rows: Floats, other: Floats, other_rows: Floats, tolerance: float, z: float, power: float
) -> Floats:
    """The smallest difference from the share `other` that is seen; NaN where none can be.

    Of the two directions the one that needs more, where both are possible.
    """
    spread = other * (1 - other) / other_rows
    up = _share_seen(other + tolerance, rows, spread, z, power, 1)
    down = _share_seen(other - tolerance, rows, spread, z, power, -1)
    return np.fmax(up - other, other - down)


def ratio_of_shares(
    rows: Floats, other: Floats, other_rows: Floats, ratio: float, z: float, power: float
) -> Floats:
    """The largest ratio below `ratio` that is seen; NaN where none is."""
    spread = ratio**2 * other * (1 - other) / other_rows
    return _share_seen(ratio * other, rows, spread, z, power, -1) / other


def gap_by_width(found: Interval, tolerance: float, z: float, power: float) -> Floats:
    """Of anything else: by the width of the interval that was found."""
    error = (found.high - found.low) / (2 * z)
    gap = tolerance + (z + float(ndtri(power))) * error
    return np.where(np.isfinite(gap), gap, np.nan)


def _share_seen(
    limit: Floats, rows: Floats, spread: Floats, z: float, power: float, direction: int
) -> Floats:
    """The share closest to `limit`, above or below it, that is seen; NaN where none can be.

    It is the root on that side of (own - limit)^2 = needed^2 (own (1 - own) / rows + spread);
    `spread` is the variance of the other side.
    """
    squared = (z + float(ndtri(power))) ** 2
    curve, middle = 1 + squared / rows, limit + squared / (2 * rows)
    root = np.sqrt(np.maximum(middle**2 - curve * (limit**2 - squared * spread), 0.0))
    own = (middle + direction * root) / curve
    return np.where((own > 0) & (own < 1) & (limit >= 0) & (limit <= 1), own, np.nan)
