"""What a detector is, in four steps that never look at the data twice.

    fit      reference rows              -> Fitted (frozen; its bytes are the plan's identity)
    index    a batch of rows             -> Cells: one integer a row and column
    sum up   the cells of a batch        -> Summary: additive integers
    judge    the sum of a window         -> DriftFinding ...

The scorer does index and sum up, in any number of processes; the decider adds summaries and judges.
Rows are scored (outliers) from the same cells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ColumnFinding:
    """One column of one window against the reference.

    `distance` is D for ks and total variation for chi2, in [0, 1]; `distance_error` bounds its
    distance from the exact value (0 in exact mode). `p_value` is in (0, 1].
    `threshold` is the p-value below which the column counts as changed in this window.
    `effect` is the distance with what chance gives taken off; `low` and `high` bound the true
    distance with 95 % confidence (`sidelight_detectors.drift.effect`).
    `drifted` needs both: p_value < threshold and effect > tolerance.
    `rows` of the window held this column. 0 means not enough data: statistic, distance and effect
    are then NaN and the p-value is 1.
    """

    column: str
    method: str
    statistic: float
    distance: float
    distance_error: float
    p_value: float
    threshold: float
    drifted: bool
    rows: int = 0
    effect: float = math.nan
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> ColumnFinding:
        """Reads its fields; JSON has no NaN and writes null."""
        filled: dict[str, Any] = {
            name: math.nan if value is None else value for name, value in saved.items()
        }
        return cls(**filled)


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """A window against the reference. `alpha` is what this window spends of the promise."""

    rows: int
    reference_rows: int
    window: int
    alpha: float
    tolerance: float
    columns: tuple[ColumnFinding, ...]

    @property
    def is_drift(self) -> bool:
        return any(column.drifted for column in self.columns)


@dataclass(frozen=True, slots=True)
class RowScores:
    """Scores of a batch of rows; larger is stranger.

    `scores` (n,), `p_values` (n,) conformal, `contributions` (n, n_columns) adding up to `scores`.
    """

    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    contributions: NDArray[np.float64]
