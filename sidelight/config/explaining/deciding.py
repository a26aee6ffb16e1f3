"""When two answers of a model are the same decision."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from sidelight.config.explaining.method import MethodSettings


class DecidingSettings(MethodSettings):
    """A method that asks what the model decides. Of several numbers a row the decision is the
    largest one, of labels (text, whole numbers, yes or no) the label; of one probability whether it
    is above 0.5. Any other number needs a threshold or a tolerance."""

    threshold: float | None = Field(default=None, allow_inf_nan=False)
    """The decision is whether the output is above this number."""
    tolerance: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """The decision is that the output stays this close to the explained row's."""

    @model_validator(mode="after")
    def _one_way_to_decide(self) -> Self:
        if self.threshold is not None and self.tolerance is not None:
            raise ValueError("'threshold' and 'tolerance' exclude each other; leave one out")
        return self
