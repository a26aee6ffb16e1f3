"""The chart of what moved the output."""

from __future__ import annotations

from sidelight_dashboard.explaining.shown import Bar, Bars
from sidelight_dashboard.figures import Figure
from sidelight_dashboard.rows.wording import cut

MOST = 15
"""Bars of their own; the others share one."""
ROW_PIXELS = 42
AROUND_PIXELS = 80
LONGEST = 44


def bars_figure(told: Bars) -> Figure:
    """Bars to both sides of zero, the largest on top, each below its words: narrow screens have no
    room for words beside them."""
    bars = drawn(told.bars)
    words = [_escaped(f"{cut(bar.label, LONGEST)}  {bar.amount:+.3g}") for bar in bars]
    return {
        "data": [
            {
                "type": "bar",
                "orientation": "h",
                "x": [bar.amount for bar in bars],
                "y": list(range(len(bars))),
                "width": 0.4,
                "hovertext": words,
                "hoverinfo": "text",
                "marker": {"color": ["$up" if bar.amount > 0 else "$down" for bar in bars]},
                "error_x": _intervals(bars),
            }
        ],
        "layout": {
            "height": AROUND_PIXELS + ROW_PIXELS * len(bars),
            "showlegend": False,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 40},
            "xaxis": {"title": {"text": "moves it by"}, "zeroline": True, "nticks": 7},
            "yaxis": {
                "range": [len(bars) - 0.6, -0.8],
                "showticklabels": False,
                "showgrid": False,
                "zeroline": False,
            },
            "annotations": [_above(row, text) for row, text in enumerate(words)],
        },
    }


def _above(row: int, text: str) -> dict[str, object]:
    return {
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "y": row - 0.2,
        "yanchor": "bottom",
        "text": text,
        "showarrow": False,
        "font": {"size": 12},
    }


def _escaped(text: str) -> str:
    """The library reads tags in texts."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def drawn(bars: tuple[Bar, ...]) -> tuple[Bar, ...]:
    """The largest, and the rest together."""
    if len(bars) <= MOST + 1:
        return bars
    rest = bars[MOST:]
    together = Bar(f"{len(rest)} others together", sum(bar.amount for bar in rest))
    return (*bars[:MOST], together)


def _intervals(bars: tuple[Bar, ...]) -> dict[str, object]:
    high = [0.0 if bar.high is None else max(bar.high - bar.amount, 0.0) for bar in bars]
    low = [0.0 if bar.low is None else max(bar.amount - bar.low, 0.0) for bar in bars]
    return {
        "type": "data",
        "symmetric": False,
        "array": high,
        "arrayminus": low,
        "color": "$text",
        "thickness": 1.2,
        "width": 3,
        "visible": any(high) or any(low),
    }
