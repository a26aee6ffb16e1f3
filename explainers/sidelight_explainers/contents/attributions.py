"""How much each player moved the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from sidelight.config.explaining.method import Scope
from sidelight_explainers.contents.layout import ImageLayout, Layout, TextLayout


@dataclass(frozen=True, slots=True)
class Attribution:
    """One player's share (of a feature, a group, a word, a superpixel), in the output's unit.

    `value` is what the explained row holds there, as a JSON value, None for a null; of a group
    one value a member. `low` and `high` are a 95 % interval for the contribution as the method
    defines it for the background used; equal to `contribution` where that is exact, None where
    nothing is known.
    """

    feature: str
    value: Any
    contribution: float
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "feature": self.feature,
            "value": self.value,
            "contribution": self.contribution,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, slots=True)
class Attributions:
    """Shares that add up to ``prediction - base_value``, where `additivity_gap` is a number.

    `additivity_gap` is ``base_value + sum(contributions) - prediction``: rounding for a predictor
    that always answers the same, more for one that does not; None for methods whose shares do not
    add up (leave one out, occlusion). `interval` is None where there is none.
    `background_rows` out of `reference_rows` stood for 'absent'. `layout` says where the players
    of a text or picture are. `facts` are further JSON values of the method.
    """

    kind: ClassVar[str] = "attributions"
    scope: ClassVar[Scope] = "local"

    output: str
    base_value: float
    prediction: float
    attributions: tuple[Attribution, ...]
    estimator: str
    additivity_gap: float | None = None
    interval: Literal["exact", "reliable", "unreliable"] | None = None
    background_rows: int = 0
    reference_rows: int = 0
    layout: Layout | None = None
    facts: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "base_value": self.base_value,
            "prediction": self.prediction,
            "attributions": [one.to_json() for one in self.attributions],
            "estimator": self.estimator,
            "additivity_gap": self.additivity_gap,
            "interval": self.interval,
            "background_rows": self.background_rows,
            "reference_rows": self.reference_rows,
            **layout_json(self.layout),
            **dict(self.facts),
        }


def layout_json(layout: Layout | None) -> dict[str, Any]:
    """Where the players are: ``text`` and ``spans``, or ``segments`` (h, w)."""
    if isinstance(layout, TextLayout):
        spans = [[list(piece) for piece in one] for one in layout.spans]
        return {"text": layout.text, "spans": spans}
    if isinstance(layout, ImageLayout):
        return {"segments": layout.segments.tolist()}
    return {}
