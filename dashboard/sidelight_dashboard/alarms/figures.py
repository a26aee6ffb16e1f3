"""How large, drawn: values between their bounds beside what is of no concern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sidelight_dashboard.alarms.sizes import Size, Verdict
from sidelight_dashboard.drawing.figures import Axis, Figure, plain
from sidelight_dashboard.drawing.forest import Line, forest
from sidelight_dashboard.drawing.marks import Said, State

MOST = 20
"""Values of one chart, the largest."""

_SAID = Said("beyond its limit", "not clear, or without a limit", "within its limit")
_STATES: Mapping[Verdict, State] = {
    "beyond": "bad",
    "not clear": "unknown",
    "no limit": "unknown",
    "within": "fine",
}


def drawable(sizes: Sequence[Size]) -> tuple[Size, ...]:
    """Of the first quantity those with a value and bounds: what can share an axis."""
    what = sizes[0].what if sizes else ""
    same = (one for one in sizes if one.what == what)
    return tuple(one for one in same if None not in (one.value, one.low, one.high))[:MOST]


def sizes_figure(sizes: Sequence[Size]) -> Figure:
    """One line each, the first on top."""
    return forest([_line(one) for one in sizes], _SAID, Axis(sizes[0].what if sizes else ""))


def _line(one: Size) -> Line:
    return Line(
        plain(f"{one.label} ({one.segment})" if one.segment else one.label),
        one.value,
        one.low,
        one.high,
        one.allowed_low,
        one.allowed_high,
        _STATES[one.verdict],
        "" if one.rows is None else f"n = {one.rows:,}",
    )
