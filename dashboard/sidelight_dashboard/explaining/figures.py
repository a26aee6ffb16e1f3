"""The chart of what moved the output."""

from __future__ import annotations

from sidelight_dashboard.explaining.shown import Bar, Bars
from sidelight_dashboard.figures import Figure
from sidelight_dashboard.rows.wording import cut

MOST = 15
"""Bars of their own; the others share one."""
ROW_PIXELS = 26
AROUND_PIXELS = 90
LONGEST = 40


def bars_figure(told: Bars) -> Figure:
    """Bars to both sides of zero, the largest on top, with their intervals."""
    bars = drawn(told.bars)
    return {
        "data": [
            {
                "type": "bar",
                "orientation": "h",
                "x": [bar.amount for bar in bars],
                "y": list(range(len(bars))),
                "text": [f"{bar.amount:+.3g}" for bar in bars],
                "textposition": "outside",
                "cliponaxis": False,
                "hovertext": [bar.label for bar in bars],
                "hovertemplate": "%{hovertext}: %{x:+.4g}<extra></extra>",
                "marker": {"color": ["$up" if bar.amount > 0 else "$down" for bar in bars]},
                "error_x": _intervals(bars),
            }
        ],
        "layout": {
            "height": AROUND_PIXELS + ROW_PIXELS * max(len(bars), 2),
            "showlegend": False,
            "xaxis": {"title": {"text": f"moves {cut(told.unit, LONGEST)} by"}, "zeroline": True},
            "yaxis": {
                "autorange": "reversed",
                "tickvals": list(range(len(bars))),
                "ticktext": [cut(bar.label, LONGEST) for bar in bars],
            },
        },
    }


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
