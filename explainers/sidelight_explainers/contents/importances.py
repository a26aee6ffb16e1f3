"""What a model loses without a feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sidelight.config.explaining.method import Scope


@dataclass(frozen=True, slots=True)
class Importance:
    """The loss without one feature, and its 95 % interval."""

    feature: str
    importance: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Importances:
    """Losses in `loss` (in words) over `data_rows` rows from `data`; `baseline` is with all."""

    kind: ClassVar[str] = "importances"
    scope: ClassVar[Scope] = "global"

    output: str
    loss: str
    baseline: float
    importances: tuple[Importance, ...]
    data: str
    data_rows: int
    facts: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "loss": self.loss,
            "baseline": self.baseline,
            "feature_names": [one.feature for one in self.importances],
            "feature_importance": [one.importance for one in self.importances],
            "low": [one.low for one in self.importances],
            "high": [one.high for one in self.importances],
            "data": self.data,
            "data_rows": self.data_rows,
            **dict(self.facts),
        }
