"""How good a model turned out to be in a window, as far as labels have come."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidelight_detectors.nulls import with_nan
from sidelight_detectors.performance.finding import MetricFinding


@dataclass(frozen=True, slots=True)
class CalibrationFinding:
    """Rows of a band of predicted probability: its mean, and the share that came true.

    The share lies between `low` and `high` with 95 % confidence.
    """

    rows: int
    predicted: float
    came_true: float
    low: float
    high: float

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> CalibrationFinding:
        return cls(**with_nan(saved))


@dataclass(frozen=True, slots=True)
class LabelsFinding:
    """Realised performance: of `rows` predictions `labelled` have a label.

    `is_final` when no more labels are waited for. `confusion` are rows by answered class, then by
    true class, in the order of `classes`, with a last line for unknown answers. `brier_score` and
    `calibration_error` (expected, over the bands of `calibration`) are NaN without probabilities.
    `warnings` say what should be known before any of it is believed.
    """

    rows: int
    labelled: int
    is_final: bool
    metrics: tuple[MetricFinding, ...]
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    calibration: tuple[CalibrationFinding, ...] = ()
    calibration_error: float = math.nan
    brier_score: float = math.nan
    warnings: tuple[str, ...] = ()

    @property
    def is_drift(self) -> bool:
        """It tells, and raises no alarm."""
        return False

    @property
    def coverage(self) -> float:
        """The share of rows with a label."""
        return self.labelled / self.rows if self.rows else 0.0

    def metric(self, name: str) -> MetricFinding:
        """`KeyError` when it was not measured."""
        for one in self.metrics:
            if one.metric == name:
                return one
        raise KeyError(name)

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> LabelsFinding:
        told = {
            "metrics": tuple(map(MetricFinding.from_json, saved["metrics"])),
            "classes": tuple(saved["classes"]),
            "confusion": tuple(map(tuple, saved["confusion"])),
            "calibration": tuple(map(CalibrationFinding.from_json, saved["calibration"])),
            "warnings": tuple(saved["warnings"]),
        }
        return cls(**{**with_nan(saved), **told})
