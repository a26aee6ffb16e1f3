"""Groups of people, and how far a model's decisions about them may be apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from sidelight.config.detecting.outcome import Scalar
from sidelight.config.section import Section

BiasMetric = Literal[
    "statistical_parity_difference",
    "disparate_impact_ratio",
    "equal_opportunity_difference",
    "false_positive_rate_difference",
    "equalised_odds_difference",
    "average_odds_difference",
    "predictive_parity_difference",
    "false_omission_rate_difference",
    "false_discovery_rate_difference",
    "treatment_equality_difference",
    "calibration_difference",
    "mean_prediction_difference",
    "mean_residual_difference",
]


class ProtectedSettings(Section):
    """Where the groups of one protected attribute come from. By default: the model's input, or the
    request's column, of the attribute's name."""

    column: str | None = None
    """The column of the request, if it is not named like the attribute."""
    header: str | None = None
    """A header of the request that names the group; the logger must keep it (`logger.headers`)."""
    table: Path | None = None
    """A side table (CSV or Parquet) with a column of the attribute's name, looked up by `key`."""
    key: str | None = None
    """The side table's id column; the request has a column of that name."""
    key_header: str | None = None
    """The request's header that holds the id, if no column does."""
    bands: tuple[float, ...] = ()
    """A number is cut here: ``[25, 40]`` makes below 25, 25 to below 40, 40 and above."""
    groups: tuple[Scalar, ...] = ()
    """The groups told apart; those of the reference when empty. Others are one group, `other`."""
    privileged: Scalar | None = None
    """The group that the others are compared with; the reference's largest when not set."""


class BiasSettings(Section):
    """Decisions compared between groups, label-free at once and by labels as they come."""

    protected: dict[str, ProtectedSettings]
    """The attributes; short form: a list of inputs' names."""
    intersections: tuple[tuple[str, ...], ...] = ()
    """Attributes whose groups are also crossed: ``[[sex, race]]``."""
    min_support: int = Field(default=30, ge=2)
    """Rows that a group's rate must rest on; with fewer the answer is *not enough data*."""
    metrics: tuple[BiasMetric, ...] = ()
    """Those that are judged; by default all that the outcome and its labels allow."""
    tolerance: float = Field(default=0.1, ge=0, lt=1)
    """The largest difference of no concern."""
    ratio: float = Field(default=0.8, gt=0, lt=1)
    """The smallest ratio of no concern: the four-fifths rule."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Of the intervals that are told."""
    false_alarms: float = Field(default=0.05, gt=0, lt=1)
    """Chance of ever raising a false alarm on one model version (alpha)."""

    @field_validator("protected", mode="before")
    @classmethod
    def _from_names(cls, given: Any) -> Any:
        return {name: {} for name in given} if isinstance(given, list | tuple) else given
