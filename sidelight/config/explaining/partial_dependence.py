"""Partial dependence."""

from __future__ import annotations

from pydantic import Field

from sidelight.config.explaining.surveying import SurveySettings


class PartialDependenceSettings(SurveySettings):
    """The mean output (and that of single rows) while one feature is set to each value."""

    points: int = Field(default=20, ge=2, le=1000)
    """Values a feature is set to: quantiles of a number, the most frequent categories."""
    lines: int = Field(default=20, ge=0, le=1000)
    """Single rows whose curves are returned too (individual conditional expectation)."""
