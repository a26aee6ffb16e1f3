"""Charts as plain figures of the plotting library: made here, drawn and coloured in the browser.

Colours are roles: "$series", "$limit", "$alarm" and every other ``--chart-ROLE`` of `style.css`,
which the page's script takes from the style in force, light or dark. Times are ISO texts in UTC,
which the script shows in the viewer's zone. Texts that come from elsewhere are made `plain`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from sidelight_dashboard.times import iso

Figure = dict[str, Any]
Trace = dict[str, Any]
Shape = dict[str, Any]

Number = float | None

DOT = 6
HIGH_PX = 380


@dataclass(frozen=True)
class Axis:
    """What is measured, its unit, and which way is bad; `log` for what spans powers of ten."""

    title: str
    bad: Literal["up", "down", ""] = ""
    log: bool = False
    share: bool = False
    """Whether it is a share in [0, 1], told in per cent."""

    @property
    def label(self) -> str:
        arrow = {"up": " (up is worse)", "down": " (down is worse)", "": ""}[self.bad]
        return self.title + arrow


def plain(text: str) -> str:
    """Read as it is: the library takes tags and entities for its own."""
    return escape(text, quote=False)


def told_apart(names: Iterable[str]) -> list[str]:
    """Those that look alike numbered: what has one name has one place on an axis."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        other = name
        while other in seen:
            seen[name] += 1
            other = f"{name} ({seen[name]})"
        seen[other] += 1
        found.append(other)
    return found


def steps(
    name: str, ends_ns: Sequence[int], values: Sequence[Number], role: str = "$series"
) -> Trace:
    """A value that holds for the window that ends there: steps, not splines; gaps stay gaps.

    A window between gaps has no line to either side: it is a dot.
    """
    trace: Trace = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [iso(at) for at in ends_ns],
        "y": list(values),
        "line": {"shape": "vh", "color": role, "width": 2},
        "connectgaps": False,
    }
    alone = _alone(values)
    if any(alone):
        trace["mode"] = "lines+markers"
        trace["marker"] = {"color": role, "size": [DOT if dot else 0 for dot in alone]}
    return trace


def _alone(values: Sequence[Number]) -> list[bool]:
    """Whether each value has none before it and none after it."""
    known = [False, *(value is not None for value in values), False]
    return [
        here and not left and not right
        for left, here, right in zip(known, known[1:], known[2:], strict=False)
    ]


def limit(name: str, ends_ns: Sequence[int], values: Sequence[Number]) -> Trace:
    """The threshold beside its value: dashed steps."""
    trace = steps(name, ends_ns, values, "$limit")
    trace["line"] |= {"dash": "dash", "width": 1.5}
    return trace


def diamonds(name: str, at_ns: Sequence[int], values: Sequence[Number]) -> Trace:
    """Windows that are beyond their limit."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [iso(at) for at in at_ns],
        "y": list(values),
        "marker": {"symbol": "diamond", "color": "$alarm", "size": 9},
    }


def span(begin_ns: int, end_ns: int, role: str = "$alarm") -> Shape:
    """A stretch of time behind the lines: an alarm, or the reference period."""
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": iso(begin_ns),
        "x1": iso(end_ns),
        "y0": 0,
        "y1": 1,
        "fillcolor": role,
        "opacity": 0.15,
        "line": {"width": 0},
        "layer": "below",
    }


def mark(at_ns: int, text: str, role: str = "$mark") -> Shape:
    """A moment: a deployed version, a new plan."""
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": iso(at_ns),
        "x1": iso(at_ns),
        "y0": 0,
        "y1": 1,
        "line": {"color": role, "width": 1, "dash": "dot"},
        "label": {
            "text": plain(text),
            "textposition": "end",
            "textangle": 0,
            "xanchor": "left",
            "yanchor": "top",
            "font": {"color": role, "size": 11},
        },
    }


def over_time(traces: Iterable[Trace], axis: Axis, shapes: Iterable[Shape] = ()) -> Figure:
    """Values over event time."""
    return {
        "data": list(traces),
        "layout": {
            "xaxis": {"type": "date"},
            "yaxis": {
                "title": {"text": axis.label},
                "type": "log" if axis.log else "linear",
                "tickformat": ".1%" if axis.share else "",
                "rangemode": "normal" if axis.log else "tozero",
            },
            "shapes": list(shapes),
        },
    }


def high(figure: Figure) -> Figure:
    """With room for the legend on narrow screens, and powers of ten as the tables write them."""
    figure["layout"]["height"] = HIGH_PX
    figure["layout"]["yaxis"]["exponentformat"] = "e"
    return figure


def after_reference(figure: Figure, level: Number) -> Figure:
    """Left of a rule the reference, which lies before all of this, with its value.

    A figure without points stays empty.
    """
    if not any(trace["y"] for trace in figure["data"]):
        return figure
    layout = figure["layout"]
    figure["data"].append(_reference_level(level))
    layout["xaxis"]["domain"] = [_RULE, 1]
    layout["xaxis2"] = {"domain": [0, _RULE], "range": [0, 1], "visible": False, "fixedrange": True}
    layout["yaxis"]["anchor"] = "x2"
    layout["shapes"] = [*layout["shapes"], *_REFERENCE_PERIOD]
    layout.setdefault("annotations", []).append(_REFERENCE_WORD)
    return figure


def _reference_level(level: Number) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "reference period",
        "x": [0, 1],
        "y": [level, level],
        "xaxis": "x2",
        "line": {"color": "$reference", "width": 2},
        "showlegend": False,
        "hoverinfo": "skip",
    }


_RULE = 0.07
"""Where time begins, as a share of the width."""
_ON_PAPER = {"xref": "paper", "yref": "paper", "y0": 0, "y1": 1}
_REFERENCE_PERIOD: tuple[Shape, ...] = (
    {
        **_ON_PAPER,
        "type": "rect",
        "x0": 0,
        "x1": _RULE,
        "fillcolor": "$reference",
        "opacity": 0.15,
        "line": {"width": 0},
        "layer": "below",
    },
    {
        **_ON_PAPER,
        "type": "line",
        "x0": _RULE,
        "x1": _RULE,
        "line": {"color": "$reference", "width": 2},
    },
)
_REFERENCE_WORD = {
    "text": "reference",
    "textangle": -90,
    "showarrow": False,
    "xref": "paper",
    "yref": "paper",
    "x": _RULE / 2,
    "y": 0.95,
    "xanchor": "center",
    "yanchor": "top",
    "font": {"color": "$text", "size": 11},
}


def beside(
    names: Sequence[str], reference: Sequence[Number], current: Sequence[Number], axis: Axis
) -> Figure:
    """Reference and current shares beside each other."""
    return {
        "data": [
            {
                "type": "bar",
                "name": name,
                "x": list(names),
                "y": list(values),
                "marker": {"color": role},
            }
            for name, values, role in (
                ("reference", reference, "$reference"),
                ("current", current, "$series"),
            )
        ],
        "layout": {
            "barmode": "group",
            "xaxis": {"type": "category"},
            "yaxis": {
                "title": {"text": axis.label},
                "tickformat": ".1%" if axis.share else "",
                "rangemode": "tozero",
            },
        },
    }
