"""Answers that are not those of the rows beside them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidelight.config.section import Section

Evidence = Literal["answers", "margin", "tails", "distance"]


class DisagreementSettings(Section):
    """Rows that the model answers unlike the reference rows beside them, without asking it again;
    needs `outcome`."""

    evidence: tuple[Evidence, ...] = Field(default=("answers", "margin", "tails"), min_length=1)
    """What counts, most first. answers: how little the nearest reference rows were given this row's
    answer. margin: how close the answer was. tails: how far out in the reference's tails the row
    lies. distance: how far the nearest reference rows are."""
    neighbours: int = Field(default=10, ge=1)
    """Reference rows beside a row."""
    rate: float = Field(default=0.01, gt=0, lt=1)
    """Share of ordinary rows that may be flagged."""
    guarantee: Literal["mean", "pac"] = "mean"
    """mean: the rate holds on average over references. pac: it holds for this reference, with
    `confidence`; fewer rows are flagged."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Of the bound on this reference's own rate, which is always reported."""
    calibration: float = Field(default=0.25, gt=0, lt=1)
    """Share of the reference held out to calibrate the p-values."""
