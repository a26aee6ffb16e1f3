"""The explainers of one model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from sidelight.config.explaining.ale import AleSettings
from sidelight.config.explaining.alibi import AlibiSettings
from sidelight.config.explaining.anchor import AnchorSettings
from sidelight.config.explaining.counterfactual import CounterfactualSettings
from sidelight.config.explaining.importance import ImportanceSettings
from sidelight.config.explaining.leave_one_out import LeaveOneOutSettings
from sidelight.config.explaining.method import MethodSettings
from sidelight.config.explaining.occlusion import OcclusionSettings
from sidelight.config.explaining.partial_dependence import PartialDependenceSettings
from sidelight.config.explaining.rise import RiseSettings
from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.config.explaining.similar import SimilarSettings
from sidelight.config.section import Section

ALIBI = "alibi."
"""Begins the name of a method that is one of `ModelExplainers.alibi`."""


class ModelExplainers(Section):
    """The methods by which one model is explained; a method that is not named is not served. The
    first of them, in the order of this list, answers requests that name none."""

    shapley: ShapleySettings | None = None
    anchor: AnchorSettings | None = None
    counterfactual: CounterfactualSettings | None = None
    similar: SimilarSettings | None = None
    leave_one_out: LeaveOneOutSettings | None = None
    occlusion: OcclusionSettings | None = None
    rise: RiseSettings | None = None
    ale: AleSettings | None = None
    partial_dependence: PartialDependenceSettings | None = None
    importance: ImportanceSettings | None = None
    alibi: dict[str, AlibiSettings] | None = None
    """By name; requests ask for ``alibi.NAME``."""
    background_from: Literal["reference", "medoids", "log"] = "reference"
    """Which rows stand for 'feature absent': random ones of the reference, those of it that stand
    best for the others (k-medoids), or what clients sent lately, read from the log at the start
    (the reference where the log has not enough rows yet)."""
    recent_rows: int = Field(default=1000, ge=1)
    """Rows read from the log for `background_from`, and for global methods `over` recent ones."""

    @property
    def reads_log(self) -> bool:
        """Are recent rows of the log needed?"""
        over = (one.over for one in (self.ale, self.partial_dependence, self.importance) if one)
        return self.background_from == "log" or "recent" in over

    def methods(self) -> Iterator[tuple[str, MethodSettings]]:
        """What is configured, by the name that requests use."""
        for name in type(self).model_fields:
            told = getattr(self, name)
            if isinstance(told, MethodSettings):
                yield name, told
        yield from ((f"{ALIBI}{name}", one) for name, one in (self.alibi or {}).items())
