"""Groups of people, and how far a model's decisions about them may be apart."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

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


MAX_GROUPS = 32
"""Groups that an attribute tells apart."""

MAX_ATTRIBUTES = 16
"""Attributes, and crossings of them."""


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
    """The side table's id column; the request has a column of that name, or `key_header`."""
    key_header: str | None = None
    """The request's header that holds the id, if no column does; the logger must keep it."""
    bands: tuple[float, ...] = ()
    """A number is cut here: ``[25, 40]`` makes below 25, 25 to below 40, 40 and above."""
    groups: tuple[Scalar, ...] = ()
    """The groups told apart, 32 at most; the largest of the reference when empty. All others are
    one group, ``(other)``, and rows without a value are another, ``(missing)``."""
    privileged: Scalar | None = None
    """The group that the others are compared with; the reference's largest when not set."""

    @model_validator(mode="after")
    def _read_in_one_place(self) -> ProtectedSettings:
        placed = [name for name in ("column", "header", "table") if getattr(self, name) is not None]
        if len(placed) > 1:
            raise ValueError(f"set one of {' and '.join(placed)}: the groups come from one place")
        if self.table is not None and self.key is None:
            raise ValueError("'table' needs 'key', the name of its id column")
        if self.table is None and (self.key or self.key_header):
            raise ValueError("'key' and 'key_header' belong to 'table'")
        return self

    @model_validator(mode="after")
    def _told_apart(self) -> ProtectedSettings:
        if self.bands and self.groups:
            raise ValueError("set 'bands' (of numbers) or 'groups' (of values), not both")
        if any(low >= high for low, high in pairwise(self.bands)):
            raise ValueError(f"'bands' {list(self.bands)} do not ascend")
        if max(len(self.groups), len(self.bands) + 1) > MAX_GROUPS:
            raise ValueError(f"more than {MAX_GROUPS} groups; leave out or join the smallest")
        return self


class BiasSettings(Section):
    """Decisions compared between groups, label-free at once and by labels as they come."""

    protected: dict[str, ProtectedSettings]
    """The attributes; short form: a list of inputs' names."""
    intersections: tuple[tuple[str, ...], ...] = ()
    """Attributes whose groups are also crossed: ``[[sex, race]]``."""
    also_favorable: dict[str, tuple[Scalar, ...]] = Field(default_factory=dict)
    """Further outputs and their values that are good: ``{limit: [high, medium]}``. A decision is
    favourable when `outcome.favorable` and all of these hold."""
    min_support: int = Field(default=30, ge=2)
    """Rows that a group's rate must rest on; with fewer the answer is *not enough data*. Crossed
    groups with fewer rows in the reference are one, ``(other)``."""
    metrics: tuple[BiasMetric, ...] = ()
    """Those that are judged; by default all that the outcome and its labels allow."""
    tolerance: float = Field(default=0.1, ge=0, lt=1)
    """The largest difference of no concern; in regression, in standard deviations of the
    reference's predictions."""
    ratio: float = Field(default=0.8, gt=0, lt=1)
    """The smallest ratio of no concern: the four-fifths rule."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Of the intervals that are told, and of all groups' verdicts by one metric together."""
    false_alarms: float = Field(default=0.05, gt=0, lt=1)
    """Chance of ever raising a false alarm on one model version (alpha)."""

    @field_validator("protected", mode="before")
    @classmethod
    def _from_names(cls, given: Any) -> Any:
        return {name: {} for name in given} if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _crosses_what_is_there(self) -> BiasSettings:
        if not self.protected:
            raise ValueError("'protected' names no attribute; name one, as [sex]")
        for crossing in self.intersections:
            if strange := [name for name in crossing if name not in self.protected]:
                told = ", ".join(self.protected)
                raise ValueError(
                    f"intersections: {strange[0]!r} is not protected; there are {told}"
                )
            if len(crossing) < 2 or len(set(crossing)) < len(crossing):
                raise ValueError(f"intersections: {list(crossing)} are not two or more attributes")
        if len(self.protected) > MAX_ATTRIBUTES or len(self.intersections) > MAX_ATTRIBUTES:
            raise ValueError(
                f"more than {MAX_ATTRIBUTES} attributes or intersections; leave some out"
            )
        return self
