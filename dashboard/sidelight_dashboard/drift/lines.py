"""One column over time, window by window.

An effect, a p-value and an e-value each have a chart of their own, with its own threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TypeVar

from sidelight_dashboard.drawing.figures import (
    Axis,
    Figure,
    Number,
    Shape,
    Trace,
    diamonds,
    limit,
    over_time,
    span,
    steps,
)
from sidelight_dashboard.drift.windows import Point, Window
from sidelight_dashboard.drift.words import effect
from sidelight_dashboard.times import iso
from sidelight_dashboard.words.numbers import p_value_words

EFFECT = Axis("effect", bad="up")
P_VALUE = Axis("p-value", bad="down", log=True)
STATISTIC = Axis("test statistic", bad="up")
EVIDENCE = Axis("evidence (e-value)", bad="up", log=True)

LEAST_EVIDENCE = 1e-3
"""Evidence below this is drawn here: a logarithmic axis has no end below."""

LEAST_CHANCE = 1e-99
"""So are p-values below this."""

_HEIGHT_PX = 380

Judged = TypeVar("Judged", Point, Window)


def effect_figure(
    points: Sequence[Point],
    address: Callable[[Point], str],
    shapes: Sequence[Shape] = (),
) -> Figure:
    """Effect against tolerance; the band is where the true distance lies, at 95 % confidence."""
    bounds = [_line(points, side, attrgetter(side)) for side in ("low", "high")]
    for trace in bounds:
        trace["line"] |= {"width": 0, "color": "$band"}
        trace |= {"showlegend": False, "hoverinfo": "skip"}
    bounds[1] |= {
        "name": "bounds",
        "fill": "tonexty",
        "fillcolor": "$band",
        "showlegend": True,
    }
    level = _line(points, "reference", lambda one: 0.0)
    level["line"] |= {"color": "$reference", "width": 1.5}
    level["hoverinfo"] = "skip"
    tolerated = _limit(points, "tolerance", lambda one: one.tolerance)
    value = _line(points, "effect", lambda one: one.effect)
    value["text"] = [_said(one) for _, one in _unbroken(points)]
    value["hovertemplate"] = "%{y:.3f}%{text}"
    drifted = _drifted(points, lambda one: one.effect, address)
    return _high(over_time([*bounds, level, tolerated, value, *drifted], EFFECT, shapes))


def p_value_figure(
    points: Sequence[Point],
    address: Callable[[Point], str],
    shapes: Sequence[Shape] = (),
) -> Figure:
    """The p-value against the threshold up to which its window names columns."""
    value = _line(points, "p-value", _p_value)
    value["text"] = [_said(one) for _, one in _unbroken(points)]
    value["hovertemplate"] = "%{y:.2g}%{text}"
    threshold = _limit(points, "threshold", lambda one: one.p_threshold)
    drifted = _drifted(points, _p_value, address)
    return _high(over_time([threshold, value, *drifted], P_VALUE, shapes))


def statistic_figure(
    points: Sequence[Point],
    address: Callable[[Point], str],
    shapes: Sequence[Shape] = (),
) -> Figure:
    """A test's statistic, which stands as `effect`, against its threshold, as `tolerance`."""
    value = _line(points, "statistic", lambda one: one.effect)
    threshold = _limit(points, "threshold", lambda one: one.tolerance)
    drifted = _drifted(points, lambda one: one.effect, address)
    return _high(over_time([threshold, value, *drifted], STATISTIC, shapes))


def evidence_figure(windows: Sequence[Window], shapes: Sequence[Shape] = ()) -> Figure:
    """What the alarm had gathered by each window, over all columns and segments."""
    told = [one for one in windows if one.evidence is not None]
    value = _line(told, "evidence", lambda one: max(one.evidence or 0.0, LEAST_EVIDENCE))
    threshold = _limit(told, "raises the alarm", lambda one: one.evidence_threshold)
    return _high(over_time([threshold, value], EVIDENCE, shapes))


def chosen_span(begin_ns: int, end_ns: int) -> Shape:
    """The stretch that was asked for, where more is shown."""
    return span(begin_ns, end_ns, "$reference")


def _high(figure: Figure) -> Figure:
    """With room for the legend on narrow screens, and powers of ten as the tables write them."""
    figure["layout"]["height"] = _HEIGHT_PX
    figure["layout"]["yaxis"]["exponentformat"] = "e"
    return figure


def _line(judged: Sequence[Judged], name: str, value: Callable[[Judged], Number]) -> Trace:
    held = list(_unbroken(judged))
    return steps(
        name, [at for at, _ in held], [None if one is None else value(one) for _, one in held]
    )


def _limit(judged: Sequence[Judged], name: str, value: Callable[[Judged], Number]) -> Trace:
    held = list(_unbroken(judged))
    return limit(
        name, [at for at, _ in held], [None if one is None else value(one) for _, one in held]
    )


def _unbroken(judged: Sequence[Judged]) -> list[tuple[int, Judged | None]]:
    """When each value is reached; each run has its begin too, and None before the next run."""
    held: list[tuple[int, Judged | None]] = []
    last: Judged | None = None
    for one in judged:
        if last is None or one.begin_ns - last.end_ns > _patience(last, one):
            held += [(one.begin_ns, None), (one.begin_ns, one)]
        held.append((one.end_ns, one))
        last = one
    return held


def _patience(last: Judged, one: Judged) -> int:
    """How long a pause is no gap: as long as the longer of the windows beside it."""
    return max(last.end_ns - last.begin_ns, one.end_ns - one.begin_ns)


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
