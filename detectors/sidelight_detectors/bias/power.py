"""The smallest gap that would be called unfair with a given chance, at the sizes there were.

By the normal approximation: a gap is seen when it is as far beyond the tolerance as the interval
reaches, and further by what chance takes away in so many cases.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from sidelight_detectors.bias.intervals import Floats, Interval

_STEPS = 30

Seen = Callable[[Floats], NDArray[np.bool_]]
"""Whether gaps are seen."""


def gap_of_shares(
    rows: Floats, other: Floats, other_rows: Floats, tolerance: float, z: float, power: float
) -> Floats:
    """The smallest difference from the share `other` that is seen; NaN where none can be.

    Of the two directions the one that needs more, where both are possible.
    """
    needed = z + float(ndtri(power))

    def seen(direction: int) -> Seen:
        def is_seen(gap: Floats) -> NDArray[np.bool_]:
            own = other + direction * gap
            spread = own * (1 - own) / rows + other * (1 - other) / other_rows
            return np.asarray(gap - tolerance >= needed * np.sqrt(np.maximum(spread, 0)), bool)

        return is_seen

    up = _smallest(seen(1), tolerance, 1 - other)
    down = _smallest(seen(-1), tolerance, other)
    return np.fmax(up, down)


def ratio_of_shares(
    rows: Floats, other: Floats, other_rows: Floats, ratio: float, z: float, power: float
) -> Floats:
    """The largest ratio below `ratio` that is seen; NaN where none is."""
    needed = z + float(ndtri(power))

    def is_seen(fall: Floats) -> NDArray[np.bool_]:
        own = (ratio - fall) * other
        spread = own * (1 - own) / rows + ratio**2 * other * (1 - other) / other_rows
        return np.asarray(fall * other >= needed * np.sqrt(np.maximum(spread, 0)), bool)

    return ratio - _smallest(is_seen, 0.0, np.full(other.shape, ratio))


def gap_by_width(found: Interval, tolerance: float, z: float, power: float) -> Floats:
    """Of anything else: by the width of the interval that was found."""
    error = (found.high - found.low) / (2 * z)
    gap = tolerance + (z + float(ndtri(power))) * error
    return np.where(np.isfinite(gap), gap, np.nan)


def _smallest(is_seen: Seen, low: float, top: Floats) -> Floats:
    """Between `low` and `top`, by halving; NaN where even `top` is not seen."""
    below, above = np.full(top.shape, low), np.maximum(top, low)
    possible = (top > low) & is_seen(above)
    for _ in range(_STEPS):
        middle = (below + above) / 2
        hit = is_seen(middle)
        below, above = np.where(hit, below, middle), np.where(hit, middle, above)
    return np.where(possible, above, np.nan)
