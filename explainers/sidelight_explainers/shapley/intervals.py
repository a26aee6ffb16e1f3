"""How far an estimate may be from the Shapley value of the game with this background.

The background rows are the game's own, no sample: only the orders are drawn. Their variance shows
in the differences between two *units* (see `Chains`) of one background row. Where few
of the rows have two units (the others may be quite different), it is taken from units of rows that
are next to each other by the player's own value (successive differences: von Neumann et al., Annals
of Mathematical Statistics 1941); these hold what differs between the rows too, so that the interval
is rather too wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

LEVEL = 0.975
ENOUGH = 15
"""Differences from which an interval is called reliable."""
TWICE = 25
"""Differences within background rows from which they stand for all rows, where those are more."""
LEAST = 3.0
"""Degrees of freedom, of a variance that hangs on a single difference."""
PRIOR = 4.0
"""Differences that the players' mean variance counts for in each player's own (moderated as in
Smyth, Statistical Applications in Genetics and Molecular Biology 2004): a player whose rare
moments were not drawn would look too sure."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Units to compare: `left` and `right` (k, p), by player. `within` says that both are of one
    background row; else they are of rows next to each other."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    within: bool

    @classmethod
    def of(cls, background: NDArray[np.intp], positions: Floats) -> Neighbours:
        """From the background row of each unit (u,) and the place (size, p) of each background row
        by each player's own value."""
        order = np.argsort(background, kind="stable")
        same = np.diff(background[order]) == 0
        players, rows = positions.shape[1], len(np.unique(background))
        if same.sum() >= min(TWICE, max(rows, ENOUGH)) or rows == 1:
            pairs = np.stack([order[:-1][same], order[1:][same]])[..., None]
            left, right = np.repeat(pairs, players, axis=2)
            return cls(left, right, within=True)
        beside = np.argsort(positions[background], axis=0, kind="stable")
        return cls(beside[:-1], beside[1:], within=False)

    def differences(self, units: Floats) -> Floats:
        """(k, p), each with the variance of one unit."""
        left = np.take_along_axis(units, self.left, axis=0)
        return np.asarray((np.take_along_axis(units, self.right, axis=0) - left) / np.sqrt(2))


@dataclass(frozen=True, eq=False)
class Spread:
    """Half widths (p,) of 95 % intervals, infinite where nothing is known."""

    half: Floats
    reliable: bool

    @property
    def widest(self) -> float:
        return float(self.half.max(initial=0.0))


def spread(differences: Floats, background: NDArray[np.intp], besides: Floats) -> Spread:
    """Of the mean over background rows of the mean over each row's units.

    `differences` (k, p) have each the variance of one unit; `background` (u,) is the background
    row of each unit. `besides` (p,) is a variance from elsewhere.
    """
    count = len(differences)
    if not count:
        return Spread(np.full(differences.shape[1], np.inf), False)
    own = (differences**2).mean(axis=0)
    moderated = (count * own + PRIOR * own.mean()) / (count + PRIOR)
    error = np.sqrt(moderated * per_unit_variance(background) + besides)
    return Spread(np.asarray(stdtrit(_freedom(differences), LEVEL) * error), count >= ENOUGH)


def _freedom(differences: Floats) -> Floats:
    """Degrees of freedom (p,) of a mean of squares (k, p): k of normal differences, fewer where a
    few large ones make up most of it (moments, after Satterthwaite, Biometrics Bulletin 1946)."""
    squares = differences**2
    fourth = 3 * (squares**2).sum(axis=0)
    most = np.full(len(fourth), float(len(differences)))
    found = np.divide(9 * squares.sum(axis=0) ** 2, fourth, out=most.copy(), where=fourth > 0)
    return np.asarray(np.clip(found, LEAST, most))


def per_unit_variance(background: NDArray[np.intp]) -> float:
    """The variance of the mean over background rows of the mean over each row's units, where each
    unit has the variance 1."""
    counts = np.unique(background, return_counts=True)[1]
    return float((1 / counts).sum()) / len(counts) ** 2
