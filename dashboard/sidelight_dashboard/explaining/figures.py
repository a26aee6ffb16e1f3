"""The chart of what moved the output."""

from __future__ import annotations

from collections.abc import Sequence

from sidelight_dashboard.drawing.figures import Figure, Trace, plain
from sidelight_dashboard.explaining.shown import Bar, Bars
from sidelight_dashboard.words.numbers import moved_words
from sidelight_dashboard.words.wording import cut

MOST = 15
"""Bars of their own; the others share one."""
FAINTEST = 1e-3
"""Bars shorter than this share of the longest share one too."""
ROW_PIXELS = 42
AROUND_PIXELS = 80
LONGEST = 44


def bars_figure(told: Bars) -> Figure:
    """Bars to both sides of zero, the largest on top, each below its words: narrow screens have no
    room for words beside them."""
    bars = drawn(told.bars)
    largest = max((abs(bar.amount) for bar in bars), default=0.0)
    words = [
        plain(f"{cut(bar.label, LONGEST)}  {moved_words(bar.amount, largest)}") for bar in bars
    ]
    rises = [row for row, bar in enumerate(bars) if bar.amount > 0]
    falls = [row for row, bar in enumerate(bars) if bar.amount <= 0]
    return {
        "data": [
            _side("raises it", "$up", bars, words, rises),
            _side("lowers it", "$down", bars, words, falls),
        ],
        "layout": {
            "height": AROUND_PIXELS + ROW_PIXELS * len(bars),
            "showlegend": False,
            "barmode": "overlay",
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


def _side(
    name: str, role: str, bars: Sequence[Bar], words: Sequence[str], rows: Sequence[int]
) -> Trace:
    return {
        "type": "bar",
        "name": name,
        "orientation": "h",
        "x": [bars[row].amount for row in rows],
        "y": list(rows),
        "width": 0.4,
        "hovertext": [words[row] for row in rows],
        "hoverinfo": "text",
        "marker": {"color": role},
        "error_x": _intervals([bars[row] for row in rows]),
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


def drawn(bars: tuple[Bar, ...]) -> tuple[Bar, ...]:
    """The largest; those that come to nothing beside them, or are too many, together."""
    least = FAINTEST * max((abs(bar.amount) for bar in bars), default=0.0)
    most = min(sum(abs(bar.amount) > least for bar in bars), MOST)
    rest = bars[most:]
    if len(rest) <= 1:
        return bars
    together = Bar(f"{len(rest)} others together", sum(bar.amount for bar in rest))
    return (*bars[:most], together)


def _intervals(bars: Sequence[Bar]) -> dict[str, object]:
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
