"""How the output changes along each feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from sidelight.config.explaining.method import Scope


@dataclass(frozen=True, slots=True)
class Curve:
    """Along one feature: `points` (numbers, or categories as JSON values), and the effect at each.

    `low` and `high` are 95 % intervals a point, empty where there are none. `lines` are the curves
    of single rows (ICE), each as long as `points`. `counts` are the rows at (ALE: up to) a point.
    """

    feature: str
    points: tuple[Any, ...]
    effects: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    lines: tuple[tuple[float, ...], ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Curves:
    """Effects along features, over `data_rows` rows from `data` (in words).

    `effect` says what the numbers are: the output itself (partial dependence), or its change from
    the mean output (accumulated local effects, which sum to zero over the rows).
    """

    kind: ClassVar[str] = "curves"
    scope: ClassVar[Scope] = "global"

    output: str
    effect: Literal["output", "centred"]
    mean: float
    curves: tuple[Curve, ...]
    data: str
    data_rows: int
    facts: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "effect": self.effect,
            "mean": self.mean,
            "feature_names": [one.feature for one in self.curves],
            "feature_values": [list(one.points) for one in self.curves],
            "values": [list(one.effects) for one in self.curves],
            "low": [list(one.low) for one in self.curves],
            "high": [list(one.high) for one in self.curves],
            "ice_values": [[list(line) for line in one.lines] for one in self.curves],
            "counts": [list(one.counts) for one in self.curves],
            "data": self.data,
            "data_rows": self.data_rows,
            **dict(self.facts),
        }
