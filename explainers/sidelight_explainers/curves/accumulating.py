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
class Moves:
    """The moves of n rows along g points: `row` and `interval` (k,), 0..g-2, of each move. `place`
    (n, g) is where each row itself is, in parts that add up to 1; all 0 of a row that is nowhere.
    """

    row: NDArray[np.intp]
    interval: NDArray[np.intp]
    place: Floats


@dataclass(frozen=True, eq=False)
class Accumulated:
    """Effects at g points and the bounds of their 95 % intervals, (g,) each; `counts` (g - 1,)."""

    effects: Floats
    low: Floats
    high: Floats
    counts: NDArray[np.intp]


def accumulate(changes: Floats, moves: Moves, rng: np.random.Generator) -> Accumulated:
    """Accumulated local effects of one feature.

    Parameters
    ----------
    changes:
        (k,) by how much the output changes from the lower to the upper end of each move's interval.
    moves:
        Whose they are. A row moves through the intervals beside it.
    rng:
        Draws the rows again for the intervals (percentile bootstrap over rows).

    Effects are the summed mean changes, less their mean over the rows (Apley & Zhu, JRSS B 2020,
    eq. 15-16).
    """
    rows, whose = np.unique(moves.row, return_inverse=True)
    place = moves.place[rows]
    sums, counts = np.zeros((2, len(rows), place.shape[1] - 1))
    at = (whose.reshape(-1), moves.interval)  # no row moves twice through one interval
    sums[at], counts[at] = changes, 1
    filled = counts.any(axis=0)
    once = np.ones((1, len(rows)))
    effects = _effects(once @ sums, once @ counts, once @ place, filled)[0]
    drawn = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), REDRAWS)
    again = _effects(drawn @ sums, drawn @ counts, drawn @ place, filled)
    low, high = np.quantile(again, LEVELS, axis=0)
    return Accumulated(effects, low, high, counts.sum(axis=0).astype(np.intp))


def _effects(sums: Floats, counts: Floats, place: Floats, filled: NDArray[np.bool_]) -> Floats:
    """(b, g) from sums of changes and counts (b, g - 1), and how much stands at each point (b, g).
    An interval that a sample misses changes as its neighbours do, one without rows not at all."""
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    pooled = (sums[:, filled].sum(axis=1) / counts.sum(axis=1))[:, None]
    means = np.where((counts == 0) & filled, pooled, means)
    summed = np.concatenate([np.zeros((len(means), 1)), np.cumsum(means, axis=1)], axis=1)
    return np.asarray(summed - ((summed * place).sum(1) / place.sum(1))[:, None])
