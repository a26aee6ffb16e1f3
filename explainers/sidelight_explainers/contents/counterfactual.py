"""The smallest change for another decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sidelight.config.explaining.method import Scope


@dataclass(frozen=True, slots=True)
class Change:
    """One feature that would have to be different, as JSON values."""

    feature: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """With all `changes` the decision is `decision`; `score` is the output then, if a number.

    `distance` is the sum over changed features of the change in units of the reference's spread
    (1 for a changed category). `plausibility` is the share of reference rows that lie farther from
    their nearest neighbour in the reference than this row does (near 0: unlike any row seen).
    """

    changes: tuple[Change, ...]
    decision: Any
    score: float | None
    distance: float
    plausibility: float

    def to_json(self) -> dict[str, Any]:
        return {
            "changes": [
                {"feature": one.feature, "before": one.before, "after": one.after}
                for one in self.changes
            ],
            "decision": self.decision,
            "score": self.score,
            "distance": self.distance,
            "plausibility": self.plausibility,
        }


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """Changes that lead to another decision, nearest first; none when none was found."""

    kind: ClassVar[str] = "counterfactuals"
    scope: ClassVar[Scope] = "local"

    output: str
    decision: Any
    prediction: float | None
    wanted: str
    counterfactuals: tuple[Counterfactual, ...]
    facts: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "decision": self.decision,
            "prediction": self.prediction,
            "wanted": self.wanted,
            "counterfactuals": [one.to_json() for one in self.counterfactuals],
            **dict(self.facts),
        }
