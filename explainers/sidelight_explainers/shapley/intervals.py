"""How far an estimate may be from the Shapley value of the game with this background.

The background rows are the game's own, no sample: only the orders are drawn. Their variance shows
in the differences between two *units* (see `Chains`) of one background row. Where hardly any row
has two units, it is taken from units of rows that are next to each other by the player's own value
(successive differences: von Neumann et al., Annals of Mathematical Statistics 1941); these hold
what differs between the rows too, so that the interval is rather too wide.
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
PRIOR = 4.0
"""Differences that the players' mean variance counts for in each player's own (moderated as in
Smyth, Statistical Applications in Genetics and Molecular Biology 2004): a player whose rare
moments were not drawn would look too sure."""


@dataclass(frozen=True, eq=False)
class Spread:
    """Half widths (p,) of 95 % intervals, infinite where nothing is known."""

    half: Floats
    reliable: bool

    @property
    def widest(self) -> float:
        return float(self.half.max(initial=0.0))


def spread(units: Floats, background: NDArray[np.intp], ranks: Floats) -> Spread:
    """Of the mean over background rows of the mean over each row's units.

    Parameters
    ----------
    units:
        (u, p), what each player added.
    background:
        (u,), the background row of each unit.
    ranks:
        (size, p), the order of all background rows by each player's own value.
    """
    counts = np.unique(background, return_counts=True)[1]
    halves = _half_differences(units, background, ranks)
    if not len(halves):
        return Spread(np.full(units.shape[1], np.inf), False)
    own = (halves**2).mean(axis=0)
    moderated = (len(halves) * own + PRIOR * own.mean()) / (len(halves) + PRIOR)
    error = np.sqrt(moderated * (1 / counts).sum()) / len(counts)
    return Spread(stdtrit(len(halves), LEVEL) * error, len(halves) >= ENOUGH)


def _half_differences(units: Floats, background: NDArray[np.intp], ranks: Floats) -> Floats:
    """(k, p), each with the variance of one unit."""
    order = np.argsort(background, kind="stable")
    within = np.diff(units[order], axis=0)[np.diff(background[order]) == 0]
    if len(within) < ENOUGH and len(np.unique(background)) > 1:
        beside = np.argsort(ranks[background], axis=0, kind="stable")
        within = np.diff(np.take_along_axis(units, beside, axis=0), axis=0)
    return np.asarray(within / np.sqrt(2))
