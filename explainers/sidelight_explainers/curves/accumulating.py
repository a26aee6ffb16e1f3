"""The sums of accumulated local effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
REDRAWS = 400
"""Bootstrap samples behind each interval."""
LEVELS = (0.025, 0.975)


@dataclass(frozen=True, eq=False)
class Accumulated:
    """Effects at g points and the bounds of their 95 % intervals, (g,) each; `counts` (g - 1,)."""

    effects: Floats
    low: Floats
    high: Floats
    counts: NDArray[np.intp]


def accumulate(
    changes: Floats, interval: NDArray[np.intp], intervals: int, rng: np.random.Generator
) -> Accumulated:
    """Accumulated local effects of one feature.

    Parameters
    ----------
    changes:
        (n,) by how much each row's output changes from the lower to the upper end of its interval.
    interval:
        (n,) in 0..intervals-1, which interval the row's value is in.
    rng:
        Draws the rows again for the intervals (percentile bootstrap over rows).

    Effects are the summed mean changes, less their mean over the rows, each row halfway between
    the ends of its interval (Apley & Zhu, JRSS B 2020, eq. 15-16).
    """
    member = np.eye(intervals)[interval]
    counts = member.sum(axis=0)
    sums = member * changes[:, None]
    effects = _effects(sums.sum(axis=0)[None], counts[None], counts > 0)[0]
    drawn = rng.multinomial(len(changes), np.full(len(changes), 1 / len(changes)), REDRAWS)
    again = _effects(drawn @ sums, drawn @ member, counts > 0)
    low, high = np.quantile(again, LEVELS, axis=0)
    return Accumulated(effects, low, high, counts.astype(np.intp))


def _effects(sums: Floats, counts: Floats, filled: NDArray[np.bool_]) -> Floats:
    """(b, g) from sums of changes and counts (b, g - 1). An interval that a sample misses changes
    as its neighbours do, one without rows not at all."""
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    pooled = (sums[:, filled].sum(axis=1) / counts.sum(axis=1))[:, None]
    means = np.where((counts == 0) & filled, pooled, means)
    summed = np.concatenate([np.zeros((len(means), 1)), np.cumsum(means, axis=1)], axis=1)
    halfway = (summed[:, 1:] + summed[:, :-1]) / 2
    return np.asarray(summed - ((halfway * counts).sum(1) / counts.sum(1))[:, None])
