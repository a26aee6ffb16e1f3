"""How well a classifier does, without labels."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidelight.config.section import Section


class PerformanceSettings(Section):
    """CBPE: performance of a classifier estimated from its calibrated probabilities.

    Blind to concept drift: labels that change while rows and probabilities do not are not seen.
    """

    probability: str | dict[str, str]
    """The output with the probability of the positive class; or class: output, for each class."""
    label: str
    """Column of the reference with the true class."""
    positive: str | int | float | bool = 1
    """The positive class, as the label says it, where `probability` is one output."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Probability from which the model answers the positive class."""
    calibration: Literal["isotonic", "none"] = "isotonic"
    """isotonic: fitted on the reference's labels. none: probabilities are taken as they are."""
    metric: Literal["accuracy", "precision", "recall", "f1", "roc_auc"] = "accuracy"
    """The metric that is judged; the others are estimated beside it."""
    tolerance: float = Field(default=0.02, ge=0, lt=1)
    """Largest loss of it of no practical interest."""
    false_alarms: float = Field(default=0.05, gt=0, lt=1)
    """Chance that this detector ever raises a false alarm on one model version (alpha)."""
