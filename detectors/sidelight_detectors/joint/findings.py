"""What is said of the joint distribution of a window's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidelight_detectors.nulls import with_nan

CONFIDENCE = 0.95
"""Of the bounds of an effect."""


@dataclass(frozen=True, slots=True)
class PairFinding:
    """Correlation of two columns' normal scores, in the reference and in the window.

    `p_value` is for the largest change among all pairs. `effect` is the absolute change with what
    chance gives taken off; `low` and `high` bound the true change with 95 % confidence, this pair
    alone.
    """

    columns: tuple[str, str]
    reference: float
    window: float
    p_value: float
    effect: float
    low: float
    high: float
    drifted: bool

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> PairFinding:
        first, second = saved["columns"]
        return cls(**{**with_nan(saved), "columns": (first, second)})


@dataclass(frozen=True, slots=True)
class JointFinding:
    """A window's rows against the reference's, all columns together.

    `statistic` is the squared MMD of the mean features, `p_value` its own. `effect` is the MMD, in
    [0, 1.41], with its expectation under no change taken off its square; `low` and `high` bound it
    with 95 % confidence. `pairs` are those whose correlation changed most. `rows` are those of the
    window in which every column was observed. `threshold` is the p-value below which MMD, and
    likewise the pairs together, count as changed: half of `alpha`, what this window spends.
    """

    rows: int
    reference_rows: int
    window: int
    alpha: float
    threshold: float
    statistic: float
    p_value: float
    effect: float
    low: float
    high: float
    tolerance: float
    correlation_tolerance: float
    pairs: tuple[PairFinding, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether MMD speaks for drift."""
        return self.p_value < self.threshold and self.effect > self.tolerance

    @property
    def is_drift(self) -> bool:
        return self.changed or any(pair.drifted for pair in self.pairs)

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> JointFinding:
        pairs = tuple(map(PairFinding.from_json, saved["pairs"]))
        return cls(**{**with_nan(saved), "pairs": pairs})
