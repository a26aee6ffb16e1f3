"""How three states look in every chart: by symbol as well as by colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sidelight_dashboard.words.numbers import short

State = Literal["bad", "unknown", "fine"]

SYMBOLS: Final[Mapping[State, Mapping[str, Any]]] = {
    "bad": {"symbol": "diamond", "color": "$alarm", "size": 10},
    "unknown": {"symbol": "circle-open", "color": "$reference", "size": 9, "line": {"width": 2}},
    "fine": {"symbol": "circle", "color": "$ok", "size": 8},
}


@dataclass(frozen=True, slots=True)
class Said:
    """What the three states are called."""

    bad: str
    unknown: str
    fine: str

    def of(self, state: State) -> str:
        told: str = getattr(self, state)
        return told


def ends(low: float | None, high: float | None, rows: str) -> str:
    """``(0.0535 to 0.136, n = 807)``."""
    told = " to ".join("no end" if one is None else short(one) for one in (low, high))
    return f"({told}, {rows})" if rows else f"({told})"
