"""What is estimated of a classifier in a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidelight_detectors.nulls import with_nan


@dataclass(frozen=True, slots=True)
class MetricFinding:
    """A metric of the window as estimated, with 95 % bounds, and as it was in the reference."""

    metric: str
    estimate: float
    low: float
    high: float
    reference: float

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> MetricFinding:
        return cls(**with_nan(saved))


@dataclass(frozen=True, slots=True)
class PerformanceFinding:
    """Estimated performance in a window; true only as far as the calibration still holds.

    `upper` is the upper bound of the judged metric at the level `alpha` that this window spends:
    the window speaks for an alarm when it lies more than `tolerance` below the reference.
    `confusion` are expected rows by answered class, then by true class, in the order of `classes`.
    """

    rows: int
    reference_rows: int
    window: int
    alpha: float
    tolerance: float
    metric: str
    upper: float
    is_drift: bool
    metrics: tuple[MetricFinding, ...]
    classes: tuple[str, ...]
    confusion: tuple[tuple[float, ...], ...]

    @property
    def judged(self) -> MetricFinding:
        """The metric that decides."""
        return next(one for one in self.metrics if one.metric == self.metric)

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> PerformanceFinding:
        return cls(
            **{
                **saved,
                "metrics": tuple(map(MetricFinding.from_json, saved["metrics"])),
                "classes": tuple(saved["classes"]),
                "confusion": tuple(map(tuple, saved["confusion"])),
            }
        )
