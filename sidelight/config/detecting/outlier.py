"""Strange rows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidelight.config.section import Section


class OutlierSettings(Section):
    """Rows that lie in the tails of the reference."""

    method: Literal["ecod"] = "ecod"
    """ecod: sum of empirical tail probabilities (Li et al., 2022)."""
    rate: float = Field(default=0.01, gt=0, lt=1)
    """Share of ordinary rows that may be flagged."""
    calibration: float = Field(default=0.25, gt=0, lt=1)
    """Share of the reference held out to calibrate the p-values."""
