"""Counterfactual flips: does the decision change with a protected attribute alone?"""

from __future__ import annotations

from pydantic import Field

from sidelight.config.detecting.asking import AskingSettings


class FlipsSettings(AskingSettings):
    """How often a decision changes when only the group of the row's protected attribute does."""

    protected: tuple[str, ...] = ()
    """Attributes of `detectors.bias.protected`, or inputs; when empty all of the former that are
    inputs of the model."""
    window: int = Field(default=500, ge=20)
    """Rows asked about between two results."""
    tolerance: float = Field(default=0.02, ge=0, lt=1)
    """The largest share of changed decisions of no concern."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Of the intervals that are told."""
    false_alarms: float = Field(default=0.05, gt=0, lt=1)
    """Chance of ever raising a false alarm (alpha)."""
    clear_after: int = Field(default=3, ge=1)
    """Results in a row without an unfair rate that clear an alarm."""
