"""Where a value lies among those of the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sidelight.config.glossary import code_of
from sidelight.errors import ArtifactError
from sidelight.panes import Bar, Column, Comparison
from sidelight_dashboard.showing import Showing

MISSING = "missing"
"""How the bar of missing values is named."""

_BEFORE = """SELECT plan, summary FROM slot
  WHERE model = ? AND segment = '' AND begin_ns <= ? ORDER BY begin_ns DESC LIMIT 1"""
_AFTER = """SELECT plan, summary FROM slot
  WHERE model = ? AND segment = '' AND begin_ns > ? ORDER BY begin_ns LIMIT 1"""


@dataclass(frozen=True)
class Place:
    """`words` say it; `below` and `share` are shares of the reference's rows in [0, 1].

    Of a number, `share` is that of the narrowest known range around it and `below` what lies under
    that range; of a category `share` is its own and `below` None.
    """

    words: str
    share: float
    below: float | None = None

    @property
    def middle(self) -> float:
        """The percentile as a share; of a category its share."""
        return self.share if self.below is None else self.below + self.share / 2


@dataclass(frozen=True)
class Reference:
    """The bars of each column, or why there are none; `rows` of the reference."""

    columns: dict[str, Column]
    rows: int
    missing: str = ""

    def place(self, name: str, value: Any) -> Place | None:
        """None where the column is not watched."""
        column = self.columns.get(name)
        return place_of(column, value) if column is not None and column.bars else None


def reference_at(showing: Showing, model: str, time_ns: int) -> Reference:
    """The reference in force about that time."""
    found = _slot(showing, model, time_ns)
    if found is None:
        return Reference({}, 0, "no rows of this model have been compared with a reference yet")
    plan, summary = found
    try:
        told: Comparison = showing.panes.compare(model, plan, "", summary)
    except ArtifactError as exc:
        return Reference({}, 0, str(exc))
    return Reference({one.name: one for one in told.columns}, told.reference_rows)


def place_of(column: Column, value: Any) -> Place | None:
    """Where the JSON value lies among the column's bars; None where they do not say."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _missing(column.bars)
    ranges = [bar for bar in column.bars if not bar.name]
    if column.kind == "categorical" or not ranges:
        return _category(column.bars, code_of(value))
    number = _number(value)
    return None if number is None else _among(ranges, number)


def _slot(showing: Showing, model: str, time_ns: int) -> tuple[str, bytes] | None:
    for query in (_BEFORE, _AFTER):
        if found := showing.store.series.rows(query, (model, time_ns)):
            plan, summary = found[0]
            return plan, summary
    return None


def _missing(bars: Sequence[Bar]) -> Place:
    last = bars[-1]  # where it is; one before it is a category of that name
    share = last.reference if last.name == MISSING else 0.0
    told = f"{_percent(share)} have none" if share else "never missing there"
    return Place(told, share)


def _category(bars: Sequence[Bar], name: str) -> Place:
    for bar in bars:
        if bar.name == name:
            told = f"{_percent(bar.reference)} have it" if bar.reference else "never there"
            return Place(told, bar.reference)
    rest = [bar for bar in bars if bar.name.endswith(" others")]
    if rest:
        share = sum(bar.reference for bar in rest)
        return Place(f"rare: {_percent(share)} have one of {rest[0].name}", share)
    return Place("never there", 0.0)


def _among(bars: Sequence[Bar], value: float) -> Place:
    at = next((at for at, bar in enumerate(bars) if _holds(bar, value)), None)
    if at is None:
        is_low = bars[0].low is not None and value < bars[0].low
        below = 0.0 if is_low else 1.0
        return Place(f"{'below' if is_low else 'above'} all there", 0.0, below)
    below, share = sum(bar.reference for bar in bars[:at]), bars[at].reference
    above = sum(bar.reference for bar in bars[at + 1 :])
    if not share and (not below or not above):
        return Place(f"{'above' if below else 'below'} all there", 0.0, below)
    return Place(_between(below, share, above), share, below)


def _between(below: float, share: float, above: float) -> str:
    if not below:
        return f"among the lowest {_percent(share)}"
    if not above:
        return f"among the highest {_percent(share)}"
    low, high = _percent(below), _percent(below + share)
    return f"above {low}" if low == high else f"above {low} to {high}"


def _holds(bar: Bar, value: float) -> bool:
    """The ends of a single point hold it; of a range the lower end does."""
    if bar.low is not None and bar.low == bar.high:
        return value == bar.low
    is_above = bar.low is None or value >= bar.low
    return is_above and (bar.high is None or value < bar.high)


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
