"""Flagged rows over time beside what chance allows, and their p-values."""

from __future__ import annotations

from collections.abc import Sequence

from sidelight_dashboard.drawing.breaks import limit_line, line, unbroken
from sidelight_dashboard.drawing.figures import (
    Axis,
    Figure,
    Shape,
    Trace,
    after_reference,
    diamonds,
    over_time,
)
from sidelight_dashboard.outliers.p_values import PValues
from sidelight_dashboard.outliers.rates import Stretch
from sidelight_dashboard.times import NS, iso

MS = NS // 1000

SHARE = Axis("flagged rows", bad="up", share=True)


def rate_figure(
    told: Sequence[Stretch], addresses: Sequence[str], shapes: Sequence[Shape] = ()
) -> Figure:
    """Steps of the share; the band holds 999 of 1,000 ordinary stretches. Each stretch leads to
    its address."""
    beyond = [(one, to) for one, to in zip(told, addresses, strict=True) if one.is_beyond]
    marks = diamonds(
        "above chance", [one.end_ns for one, _ in beyond], [one.rate for one, _ in beyond]
    )
    marks["customdata"] = [to for _, to in beyond]
    run = unbroken(told, _at_once)
    flagged = line("flagged", run, lambda one: one.rate)
    expected = limit_line("expected", run, lambda one: one.expected)
    traces = [_band(told), flagged, expected, *([marks] if beyond else [])]
    figure = over_time(traces, SHARE, shapes)
    known = [one.expected for one in told if one.expected is not None]
    return after_reference(figure, known[-1]) if known else figure


def _at_once(_last: Stretch, _one: Stretch) -> int:
    """Where no rows came the line breaks."""
    return 0


def p_value_figure(told: PValues) -> Figure:
    """Bars that ordinary rows fill evenly."""
    share = {"title": {"text": "share of rows"}, "tickformat": ".1%", "rangemode": "tozero"}
    shapes = [_line(1 / len(told.counts)), _between(told.low / told.rows, told.high / told.rows)]
    return {
        "data": [_bars(told)],
        "layout": {
            "xaxis": {"title": {"text": "p-value (small: strange)"}, "range": [0, 1]},
            "yaxis": share,
            "shapes": shapes,
            "showlegend": False,
        },
    }


def _bars(told: PValues) -> Trace:
    width = 1 / len(told.counts)
    begins = [width * place for place in range(len(told.counts))]
    ends = [f"{begin:.2f} to {begin + width:.2f}" for begin in begins]
    return {
        "type": "bar",
        "name": "rows",
        "x": [begin + width / 2 for begin in begins],
        "y": [count / told.rows for count in told.counts],
        "width": width * 0.92,
        "customdata": [[end, count] for end, count in zip(ends, told.counts, strict=True)],
        "hovertemplate": "p-value %{customdata[0]}: %{customdata[1]:,} rows<extra></extra>",
        "marker": {"color": "$series"},
    }


def _band(told: Sequence[Stretch]) -> Trace:
    """Bars without gaps, of the width of each stretch."""
    known = [
        (one, one.low, one.high) for one in told if one.low is not None and one.high is not None
    ]
    return {
        "type": "bar",
        "name": "chance",
        "x": [iso((one.begin_ns + one.end_ns) // 2) for one, _, _ in known],
        "base": [low / one.rows for one, low, _ in known],
        "y": [(high - low) / one.rows for one, low, high in known],
        "width": [(one.end_ns - one.begin_ns) / MS for one, _, _ in known],
        "customdata": [[one.rows, one.flagged, low, high] for one, low, high in known],
        "hovertemplate": (
            "%{customdata[1]:,} of %{customdata[0]:,} rows;"
            " chance: %{customdata[2]:,} to %{customdata[3]:,}<extra></extra>"
        ),
        "marker": {"color": "$band", "line": {"width": 0}},
    }


def _line(height: float) -> Shape:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": height,
        "y1": height,
        "line": {"color": "$limit", "dash": "dash", "width": 1.5},
    }


def _between(low: float, high: float) -> Shape:
    return {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": low,
        "y1": high,
        "fillcolor": "$band",
        "line": {"width": 0},
        "layer": "below",
    }
