"""Rows that are like the explained one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sidelight.config.explaining.method import Scope


@dataclass(frozen=True, slots=True)
class Example:
    """One reference row: its number in the reference, its values, what the model says of it.

    `label` is what came true, where the reference says so. `same` is whether the model decides it
    like the explained row, None for a number that decides nothing.
    """

    row: int
    distance: float
    values: Mapping[str, Any]
    prediction: Any
    label: Any
    same: bool | None


@dataclass(frozen=True, slots=True)
class Examples:
    """Reference rows near the explained one, nearest first."""

    kind: ClassVar[str] = "examples"
    scope: ClassVar[Scope] = "local"

    output: str
    decision: Any
    values: Mapping[str, Any]
    examples: tuple[Example, ...]
    reference_rows: int
    facts: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "decision": self.decision,
            "values": dict(self.values),
            "examples": [
                {
                    "row": one.row,
                    "distance": one.distance,
                    "values": dict(one.values),
                    "prediction": one.prediction,
                    "label": one.label,
                    "same": one.same,
                }
                for one in self.examples
            ],
            "reference_rows": self.reference_rows,
            **dict(self.facts),
        }
