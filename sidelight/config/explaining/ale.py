"""Accumulated local effects."""

from __future__ import annotations

from pydantic import Field

from sidelight.config.explaining.surveying import SurveySettings


class AleSettings(SurveySettings):
    """Accumulated local effects: how the output changes along one feature, other things equal."""

    intervals: int = Field(default=20, ge=1, le=1000)
    """Intervals between quantiles of a feature, as many rows in each; fewer where values repeat."""
