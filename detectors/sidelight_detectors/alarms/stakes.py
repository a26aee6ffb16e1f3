"""What an alarm rule holds traffic against: cuts, the null in each, and the bets against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sidelight_detectors.alarms.band import band_of_blocks, band_of_rows
from sidelight_detectors.alarms.bets import Bets, Null, bets_against, practical
from sidelight_detectors.alarms.blocks import UNIT, Blocks
from sidelight_detectors.alarms.cuts import LEVELS, cuts_of
from sidelight_detectors.alarms.units import Days, Requests, Rows, Units
from sidelight_detectors.grid import Grid
from sidelight_detectors.segments import ReferenceCounts

ROUNDING = 2.5e-4
"""Parts of a block are rounded down, by less than its rows / `UNIT`, the reference's and the
traffic's: the null is made wider by that of a million rows."""


@dataclass(frozen=True, eq=False)
class Stakes:
    """Made once for a reference, shared by the rules of all versions.

    `scale` is how many units the reference has; `units` makes what counts the units of a stream.
    """

    names: tuple[str, ...]
    null: Null
    bets: Bets
    scale: float
    units: Callable[[], Units]


def stakes_of_rows(
    grid: Grid, reference: ReferenceCounts, tolerance: float, eta: float, levels: int = LEVELS
) -> Stakes:
    """Where every row is a unit of its own."""
    cuts = cuts_of(grid, reference.counts, levels)
    null = practical(band_of_rows(cuts, reference.counts, reference.grouping, eta), tolerance)
    bets = bets_against(null, cuts)
    return Stakes(cuts.names, null, bets, float(max(reference.rows, 1)), lambda: Rows(cuts))


def stakes_of_blocks(blocks: Blocks, tolerance: float, eta: float) -> Stakes:
    """Where a block of rows is a unit."""
    cuts, count = blocks.cuts, blocks.count[blocks.cuts.column].astype(np.float64)
    band = band_of_blocks(cuts, blocks.sums / UNIT / count, count, eta)
    exact = practical(band, tolerance)
    null = Null(exact.shares, exact.lowest - ROUNDING, exact.highest + ROUNDING)
    counter = Requests if blocks.block == "request" else Days
    scale = float(blocks.count.max())
    return Stakes(cuts.names, null, bets_against(null, cuts), scale, lambda: counter(cuts))
