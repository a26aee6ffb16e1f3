"""A rule that is enough for the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sidelight.config.explaining.method import Scope
from sidelight_explainers.contents.attributions import layout_json
from sidelight_explainers.contents.layout import Layout


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a rule: the player it is about, and its words (``age > 37``)."""

    feature: str
    player: int
    words: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """Whenever all `conditions` hold, the decision is `decision` with this `precision`.

    `precision` is the share among `draws` fresh draws from `distribution` (in words), and
    `precision_low` its lower Clopper-Pearson bound at the confidence asked for. `found` is False
    when no rule reached the precision wished for: the conditions are then the best that was seen,
    and not a guarantee. `coverage` is the share of reference rows (of draws, for texts and
    pictures) that the rule applies to. `facts` are further JSON values of the method.
    """

    kind: ClassVar[str] = "anchor"
    scope: ClassVar[Scope] = "local"

    output: str
    decision: Any
    conditions: tuple[Condition, ...]
    found: bool
    precision: float
    precision_low: float
    confidence: float
    coverage: float
    draws: int
    distribution: str
    layout: Layout | None = None
    facts: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "decision": self.decision,
            "anchor": [one.words for one in self.conditions],
            "features": [one.feature for one in self.conditions],
            "players": [one.player for one in self.conditions],
            "found": self.found,
            "precision": self.precision,
            "precision_low": self.precision_low,
            "confidence": self.confidence,
            "coverage": self.coverage,
            "draws": self.draws,
            "distribution": self.distribution,
            **layout_json(self.layout),
            **dict(self.facts),
        }
