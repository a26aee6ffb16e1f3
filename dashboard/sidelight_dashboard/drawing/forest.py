"""Values with their bounds beside each other, each upon what it may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sidelight_dashboard.drawing.figures import Axis, Figure, Number, Shape, Trace
from sidelight_dashboard.drawing.marks import SYMBOLS, Said, State, ends

_LINE_PX, _TEXT_PX = 14, 16
"""Of a line beside the texts of its name."""
_FRAME_PX = 120
_CLOSE = 0.1
"""An axis of shares that is wider needs no tenths of a per cent."""
_MARGIN = 0.04


@dataclass(frozen=True, slots=True)
class Line:
    """A thing's value with its bounds, and what is allowed; None: no end."""

    name: str
    value: Number
    low: Number
    high: Number
    allowed_low: Number
    allowed_high: Number
    state: State
    rows: str


def forest(lines: Sequence[Line], said: Said, axis: Axis, equal: Number = None) -> Figure:
    """From top to bottom; at `equal` both sides are the same."""
    reach = left, right = _reach(lines, equal)
    texts = max((line.name.count("<br>") + 1 for line in lines), default=1)
    per_cent = ".0%" if right - left > _CLOSE else ".1%"
    return {
        "data": list(_by_state(lines, said, right - left)),
        "layout": {
            "height": _FRAME_PX + (_LINE_PX + _TEXT_PX * texts) * len(lines),
            "showlegend": True,
            "xaxis": {
                "title": {"text": axis.label},
                "tickformat": per_cent if axis.share else "",
                "zeroline": False,
                "nticks": 4,
                "tickangle": 0,
                "range": [left, right],
            },
            "yaxis": {
                "tickvals": list(range(len(lines))),
                "ticktext": [line.name for line in lines],
                "tickfont": {"size": 12},
                "range": [len(lines) - 0.5, -0.5],
                "showgrid": False,
                "zeroline": False,
            },
            "shapes": [*_bands(lines, reach), *_upright(equal)],
        },
    }


def _reach(lines: Sequence[Line], equal: Number) -> tuple[float, float]:
    """Of an axis that shows all that has an end."""
    told = [equal]
    for line in lines:
        told += [line.allowed_low, line.allowed_high, line.low, line.value, line.high]
    known = [one for one in told if one is not None] or [0.0]
    margin = _MARGIN * (max(known) - min(known)) or 1.0
    return min(known) - margin, max(known) + margin


def _by_state(lines: Sequence[Line], said: Said, width: float) -> Iterator[Trace]:
    """A bound without an end goes on for `width`, beyond what is shown."""
    for state, symbol in SYMBOLS.items():
        places = [place for place, line in enumerate(lines) if line.state == state]
        own = [lines[place] for place in places]
        if own:
            yield {
                "type": "scatter",
                "mode": "markers",
                "name": said.of(state),
                "x": [line.value for line in own],
                "y": places,
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [_between(line.value, line.high, width) for line in own],
                    "arrayminus": [_between(line.low, line.value, width) for line in own],
                    "color": symbol["color"],
                    "thickness": 2,
                    "width": 5,
                },
                "marker": symbol,
                "text": [f"{line.name}<br>{ends(line.low, line.high, line.rows)}" for line in own],
                "hovertemplate": "%{x} · %{text}<extra></extra>",
            }


def _between(low: Number, high: Number, otherwise: float) -> float:
    return otherwise if low is None or high is None else high - low


def _bands(lines: Sequence[Line], reach: tuple[float, float]) -> Iterator[Shape]:
    """What is allowed, where anything is not; without an end it goes on as far as the axis."""
    for place, line in enumerate(lines):
        allowed = (line.allowed_low, line.allowed_high)
        if allowed != (None, None):
            left, right = (
                other if end is None else end for end, other in zip(allowed, reach, strict=True)
            )
            yield _band(place, left, right)


def _band(place: int, left: float, right: float) -> Shape:
    return {
        "type": "rect",
        "x0": left,
        "x1": right,
        "y0": place - 0.4,
        "y1": place + 0.4,
        "fillcolor": "$ok",
        "opacity": 0.15,
        "line": {"width": 0},
        "layer": "below",
    }


def _upright(at: Number) -> list[Shape]:
    if at is None:
        return []
    line = {"color": "$reference", "width": 1}
    ends = {"x0": at, "x1": at, "y0": 0, "y1": 1}
    return [{"type": "line", "yref": "paper", **ends, "line": line, "layer": "below"}]
