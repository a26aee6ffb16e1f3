"""Permutation importance."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidelight.config.explaining.surveying import SurveySettings


class ImportanceSettings(SurveySettings):
    """What the model's error or output loses when one feature is shuffled."""

    loss: Literal["auto", "change", "squared", "absolute", "log", "wrong"] = "auto"
    """change: how far the output moves (mean absolute change); needs no truth. The others are means
    of an error against the column `outcome.label` of the reference: squared, absolute, log (of a
    probability), wrong (the share of wrong decisions). auto: log of a classifier's probabilities,
    wrong of labels, squared of other numbers; change where the truth is not known."""
    repeats: int = Field(default=5, ge=1, le=1000)
    """How often each feature is shuffled."""
