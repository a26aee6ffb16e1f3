"""What a test says of one window of one column."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sidelight_detectors.drift.effect import Effect


@dataclass(frozen=True, slots=True)
class Comparison:
    """A window's counts against the reference's; fields as in `ColumnFinding`."""

    statistic: float
    distance: float
    p_value: float
    effect: Effect


UNSEEN = Comparison(math.nan, math.nan, 1.0, Effect(math.nan, 0.0, 1.0))
"""Of a window in which nobody observed the column."""
