"""What an alarm rule holds traffic against: cuts, the null in each, and the bets against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.alarms.band import band_of_rows
from sidelight_detectors.alarms.bets import Bets, Null, bets_against, practical
from sidelight_detectors.alarms.cuts import Cuts, cuts_of
from sidelight_detectors.cells import Counts
from sidelight_detectors.grid import Grid
from sidelight_detectors.summary import Summary

REFERENCE_SHARE = 0.5
"""Of the promise that is kept for a reference unlike what it was drawn from (eta of alpha)."""


@dataclass(frozen=True)
class Tally:
    """A pane in the units of a promise: `units` of them, and hits and trials of each cut, (C,)."""

    units: float
    hits: NDArray[np.float64]
    trials: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stakes:
    """Made once for a reference, shared by the rules of all versions; `scale` is its units."""

    names: tuple[str, ...]
    null: Null
    bets: Bets
    scale: float
    tally: Callable[[Summary], Tally]


def stakes_of_rows(
    grid: Grid, reference: Counts, grouping: Counts, tolerance: float, eta: float
) -> Stakes:
    """Where every row is a unit of its own."""
    cuts = cuts_of(grid, reference)
    null = practical(band_of_rows(cuts, reference, grouping, eta), tolerance)
    scale = float(max(reference[part].sum() for part in _columns(cuts)))
    return Stakes(cuts.names, null, bets_against(null, cuts), scale, _rows_of(cuts))


def _rows_of(cuts: Cuts) -> Callable[[Summary], Tally]:
    def tally(summary: Summary) -> Tally:
        hits, trials = cuts.count(summary.counts)
        return Tally(float(summary.rows), hits.astype(np.float64), trials.astype(np.float64))

    return tally


def _columns(cuts: Cuts) -> list[slice]:
    return [slice(*pair) for pair in zip(cuts.starts[:-1], cuts.starts[1:], strict=True)]
