"""What a model decides, and what comes true later."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidelight.config.section import Section

Scalar = str | int | float | bool


class OutcomeSettings(Section):
    """The decision that is judged by what came true, and between groups.

    Either `prediction` names the output that holds the decision itself, or `probability` the output
    (or outputs) that it is made from.
    """

    kind: Literal["classification", "regression"] = "classification"
    """regression: `prediction` is a number, and so is the truth."""
    prediction: str | None = None
    """The output with the predicted class, or in regression the predicted number."""
    probability: str | dict[str, str] | None = None
    """The output with the probability of the positive class; or class: output, for each class."""
    positive: Scalar = 1
    """The class that `probability` speaks of, where it is one output."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Probability from which the model answers the positive class, without a `prediction`."""
    favorable: tuple[Scalar, ...] = ()
    """The classes that are good for whom is decided about; the positive class when empty."""
    label: str | None = None
    """Column of the reference with the truth, where the reference has it."""
