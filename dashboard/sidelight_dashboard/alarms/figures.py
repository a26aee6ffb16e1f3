"""How large, drawn: values between their bounds beside what is of no concern."""

from __future__ import annotations

from collections.abc import Sequence

from sidelight_dashboard.alarms.sizes import Size
from sidelight_dashboard.drawing.figures import Figure, Shape, Trace, plain

MOST = 20
"""Values of one chart, the largest."""

_ROW_PIXELS = 28
_FRAME_PIXELS = 110


def drawable(sizes: Sequence[Size]) -> tuple[Size, ...]:
    """Of the first quantity those with a value and bounds: what can share an axis."""
    what = sizes[0].what if sizes else ""
    same = (one for one in sizes if one.what == what)
    return tuple(one for one in same if None not in (one.value, one.low, one.high))[:MOST]


def forest(sizes: Sequence[Size]) -> Figure:
    """One line each, the first on top."""
    places = range(len(sizes))
    return {
        "data": [
            _marks("within, or not clear", sizes, False, "$series", "circle"),
            _marks("beyond its limit", sizes, True, "$alarm", "diamond"),
        ],
        "layout": {
            "height": _FRAME_PIXELS + _ROW_PIXELS * len(sizes),
            "xaxis": {"title": {"text": sizes[0].what if sizes else ""}, "zeroline": True},
            "yaxis": {
                "tickvals": list(places),
                "ticktext": [_line(one) for one in sizes],
                "range": [len(sizes) - 0.5, -0.5],
                "automargin": True,
            },
            "shapes": [shape for at, one in enumerate(sizes) for shape in _limits(at, one)],
            "hovermode": "closest",
        },
    }


def _line(one: Size) -> str:
    return plain(f"{one.label} ({one.segment})" if one.segment else one.label)


def _marks(name: str, sizes: Sequence[Size], is_beyond: bool, role: str, symbol: str) -> Trace:
    shown = [(at, one) for at, one in enumerate(sizes) if one.is_beyond == is_beyond]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [one.value for _, one in shown],
        "y": [at for at, _ in shown],
        "text": [_line(one) for _, one in shown],
        "marker": {"symbol": symbol, "size": 9, "color": role},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [_apart(one.high, one.value) for _, one in shown],
            "arrayminus": [_apart(one.value, one.low) for _, one in shown],
            "color": role,
            "thickness": 1.5,
        },
    }


def _apart(more: float | None, less: float | None) -> float:
    return 0.0 if more is None or less is None else more - less


def _limits(at: int, one: Size) -> list[Shape]:
    return [
        {
            "type": "line",
            "x0": limit,
            "x1": limit,
            "y0": at - 0.4,
            "y1": at + 0.4,
            "line": {"color": "$limit", "width": 1.5, "dash": "dash"},
        }
        for limit in (one.allowed_low, one.allowed_high)
        if limit is not None
    ]
