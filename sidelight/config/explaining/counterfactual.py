"""Counterfactuals."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from sidelight.config.explaining.deciding import DecidingSettings
from sidelight.config.explaining.method import Modality, Scope

Bound = float | None


class CounterfactualSettings(DecidingSettings):
    """The smallest change of the row for which the model decides differently."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular",)
    SCOPE: ClassVar[Scope] = "local"
    CONFIGURED: ClassVar[frozenset[str]] = DecidingSettings.CONFIGURED | {"background"}

    budget: int = Field(default=4096, ge=2)
    """Rows the predictor may be asked for, for one explanation."""
    wanted: str | int | bool | None = None
    """The decision to reach; any other than the row's when not set."""
    at_least: Bound = Field(default=None, allow_inf_nan=False)
    """The output is to reach this number."""
    at_most: Bound = Field(default=None, allow_inf_nan=False)
    """The output is to fall to this number."""
    count: int = Field(default=3, ge=1, le=20)
    """Counterfactuals to look for; no two change the same features."""
    max_changes: int | None = Field(default=None, ge=1)
    """The most features that one may change."""
    immutable: tuple[str, ...] = ()
    """Features that stay as they are."""
    increase_only: tuple[str, ...] = ()
    """Numbers that may grow, not shrink."""
    decrease_only: tuple[str, ...] = ()
    """Numbers that may shrink, not grow."""
    ranges: dict[str, tuple[Bound, Bound]] = Field(default_factory=dict)
    """``FEATURE: [LOWEST, HIGHEST]``, null for no bound: what a number may become."""
    background: int = Field(default=1000, ge=1)
    """Reference rows among which neighbours are looked for."""

    @model_validator(mode="after")
    def _one_aim(self) -> Self:
        bounds = (self.at_least, self.at_most)
        if bounds != (None, None) and (self.wanted is not None or self._decides_by_number):
            raise ValueError(
                "'at_least' and 'at_most' say what is wanted by themselves; leave 'wanted',"
                " 'threshold' and 'tolerance' out"
            )
        if None not in bounds and bounds[0] > bounds[1]:  # type: ignore[operator]
            raise ValueError(f"'at_least' {bounds[0]} is above 'at_most' {bounds[1]}")
        return self

    @property
    def _decides_by_number(self) -> bool:
        return self.threshold is not None or self.tolerance is not None

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> Self:
        for name, (lowest, highest) in self.ranges.items():
            if lowest is not None and highest is not None and lowest > highest:
                raise ValueError(f"'ranges.{name}' is [{lowest:g}, {highest:g}]; exchange them")
        return self
