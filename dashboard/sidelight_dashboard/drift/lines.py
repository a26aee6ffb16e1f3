"""One column over time, window by window.

An effect, a p-value and an e-value each have a chart of their own, with its own threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter

from sidelight_dashboard.drawing.breaks import limit_line, line, unbroken
from sidelight_dashboard.drawing.figures import (
    Axis,
    Figure,
    Number,
    Shape,
    Trace,
    diamonds,
    high,
    over_time,
    span,
)
from sidelight_dashboard.drift.windows import Point
from sidelight_dashboard.drift.words import effect
from sidelight_dashboard.times import iso
from sidelight_dashboard.words.numbers import p_value_words

EFFECT = Axis("effect", bad="up")
P_VALUE = Axis("p-value", bad="down", log=True)
STATISTIC = Axis("test statistic", bad="up")
LEAST_CHANCE = 1e-99
"""P-values below this are drawn here: a logarithmic axis has no end below."""


def effect_figure(
    points: Sequence[Point],
    address: Callable[[Point], str],
    shapes: Sequence[Shape] = (),
) -> Figure:
    """Effect against tolerance; the band is where the true distance lies, at 95 % confidence."""
    run = unbroken(points)
    bounds = [line(side, run, attrgetter(side)) for side in ("low", "high")]
    for trace in bounds:
        trace["line"] |= {"width": 0, "color": "$band"}
        trace |= {"showlegend": False, "hoverinfo": "skip"}
    bounds[1] |= {
        "name": "bounds",
        "fill": "tonexty",
        "fillcolor": "$band",
        "showlegend": True,
    }
    level = line("reference", run, lambda one: 0.0)
    level["line"] |= {"color": "$reference", "width": 1.5}
    level["hoverinfo"] = "skip"
    tolerated = limit_line("tolerance", run, lambda one: one.tolerance)
    value = line("effect", run, lambda one: one.effect)
    value["text"] = [_said(one) for _, one in run]
    value["hovertemplate"] = "%{y:.3f}%{text}"
    drifted = _drifted(points, lambda one: one.effect, address)
    return high(over_time([*bounds, level, tolerated, value, *drifted], EFFECT, shapes))


def p_value_figure(
    points: Sequence[Point],
    address: Callable[[Point], str],
    shapes: Sequence[Shape] = (),
) -> Figure:
    """The p-value against the threshold up to which its window names columns."""
    run = unbroken(points)
    value = line("p-value", run, _p_value)
    value["text"] = [_said(one) for _, one in run]
    value["hovertemplate"] = "%{y:.2g}%{text}"
    threshold = limit_line("threshold", run, lambda one: one.p_threshold)
    drifted = _drifted(points, _p_value, address)
    return high(over_time([threshold, value, *drifted], P_VALUE, shapes))


def statistic_figure(
    points: Sequence[Point],
    address: Callable[[Point], str],
    shapes: Sequence[Shape] = (),
) -> Figure:
    """A test's statistic, which stands as `effect`, against its threshold, as `tolerance`."""
    run = unbroken(points)
    value = line("statistic", run, lambda one: one.effect)
    threshold = limit_line("threshold", run, lambda one: one.tolerance)
    drifted = _drifted(points, lambda one: one.effect, address)
    return high(over_time([threshold, value, *drifted], STATISTIC, shapes))


def chosen_span(begin_ns: int, end_ns: int) -> Shape:
    """The stretch that was asked for, where more is shown."""
    return span(begin_ns, end_ns, "$reference")


def _drifted(
    points: Sequence[Point],
    value: Callable[[Point], Number],
    address: Callable[[Point], str],
) -> list[Trace]:
    """Marks of windows that drifted, each of which leads to its rows."""
    found = [one for one in points if one.drifted]
    if not found:
        return []
    trace = diamonds("drifted", [one.end_ns for one in found], [value(one) for one in found])
    trace["customdata"] = [address(one) for one in found]
    trace["text"] = [f"until {iso(one.end_ns)}" for one in found]
    trace["hoverinfo"] = "skip"
    return [trace]


def _p_value(point: Point) -> float:
    return max(point.p_value, LEAST_CHANCE)


def _said(point: Point | None) -> str:
    if point is None:
        return ""
    worst = f", the worst of {point.windows} windows" if point.windows > 1 else ""
    return (
        f" ({effect(point.low)} to {effect(point.high)}); p {p_value_words(point.p_value)},"
        f" n = {point.rows:,}{worst}"
    )
