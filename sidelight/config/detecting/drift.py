"""Drift, and when it becomes an alarm."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidelight.config.section import Section


class AlarmSettings(Section):
    """When a drift becomes an alarm."""

    false_alarms: float = Field(default=0.05, gt=0, lt=1)
    """Chance that this detector ever raises a false alarm on one model version (alpha)."""
    clear_after: int = Field(default=3, ge=1)
    """Windows in a row without drift that clear an alarm."""


class DriftSettings(Section):
    """Drift of each column against the reference: KS for numeric, chi-squared for categorical."""

    method: Literal["ks"] = "ks"
    """ks: Kolmogorov-Smirnov and chi-squared over reference cells."""
    window: int = Field(default=1000, ge=20)
    """Rows of a tumbling window. It closes at the end of a run and may hold up to
    `detectors.run_rows` more."""
    window_seconds: float | None = Field(default=None, gt=0)
    """Event-time windows of this length instead of count windows."""
    tolerance: float = Field(default=0.05, ge=0, lt=1)
    """Largest effect (KS or total-variation distance beyond chance) of no practical interest."""
    cells: int = Field(default=513, ge=5)
    """Cells a numeric column is cut into at most: quantile points and the gaps between them."""
    exact: bool = False
    """Keep every distinct reference value as a cell; the statistic is then exact."""
    alarm: AlarmSettings = AlarmSettings()
