"""Strange rows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sidelight.config.section import Section


class OutlierSettings(Section):
    """Rows that are strange beside the reference."""

    method: Literal["combined", "ecod", "forest", "hbos", "knn", "mahalanobis"] = "ecod"
    """ecod: sum of empirical tail probabilities. hbos: height of each column's histogram. forest:
    isolation forest. knn: distance to the nearest reference rows. mahalanobis: distance from the
    bulk, correlations included. combined: forest, knn and mahalanobis, ranked together."""
    rate: float = Field(default=0.01, gt=0, lt=1)
    """Share of ordinary rows that may be flagged."""
    guarantee: Literal["mean", "pac"] = "mean"
    """mean: the rate holds on average over references. pac: it holds for this reference, with
    `confidence`; fewer rows are flagged."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Of the bound on this reference's own rate, which is always reported."""
    calibration: Annotated[float, Field(gt=0, lt=1)] | Literal["leave-one-out"] = 0.25
    """Share of the reference held out to calibrate the p-values. leave-one-out (ecod, knn): all
    rows fit and calibrate; then there is no bound for this one reference."""
    neighbours: int = Field(default=10, ge=1)
    """knn and combined: the score is the distance to that many-th nearest reference row."""
    trees: int = Field(default=100, ge=1)
    """forest and combined: isolation trees."""
