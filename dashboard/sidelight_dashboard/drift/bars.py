"""Columns beside each other, and the values of one before and now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sidelight.panes import Column
from sidelight_dashboard.drawing.figures import Axis, Figure, Trace, beside, plain, told_apart
from sidelight_dashboard.drift.told import Feature
from sidelight_dashboard.drift.words import bar_names, effect
from sidelight_dashboard.words.wording import Wording, cut

EFFECT = Axis("effect", bad="up")
SHARE = Axis("share of rows", share=True)

MOST = 15
"""Columns beside each other."""

_LABEL = 32
_LINE_PX = 26
_FRAME_PX = 110
_HEIGHT_PX = 380


def ranked_figure(
    columns: Sequence[Feature], addresses: Sequence[str], tolerance: float | None
) -> Figure:
    """Effects with their bounds; a bar leads to its column."""
    pairs = zip(columns, addresses, strict=True)
    known = [(one, address) for one, address in pairs if one.effect is not None][:MOST]
    labels = _labels(one.label for one, _ in known)
    told = [(*pair, label) for pair, label in zip(known, labels, strict=True)]
    traces = [
        _bars("drifted", "$alarm", [one for one in told if one[0].drifted]),
        _bars("not drifted", "$series", [one for one in told if not one[0].drifted]),
        *([] if tolerance is None else [_upright(f"tolerance {tolerance:g}", tolerance, labels)]),
    ]
    return {
        "data": [trace for trace in traces if trace["x"]],
        "layout": {
            "height": _FRAME_PX + _LINE_PX * len(told),
            "hovermode": "closest",
            "barmode": "overlay",
            "xaxis": {"title": {"text": EFFECT.label}, "rangemode": "tozero"},
            "yaxis": _from_above(labels),
        },
    }


def distribution_figure(column: Column, wording: Wording) -> Figure:
    """Reference and current rows by value."""
    names = _labels(bar_names(column, wording))
    reference = [bar.reference for bar in column.bars]
    current = [bar.current for bar in column.bars]
    figure = beside(names, reference, current, SHARE)
    if column.kind == "categorical":
        return _lying(figure, names)
    figure["layout"] |= {"hovermode": "x unified", "height": _HEIGHT_PX}
    return figure


def _bars(name: str, role: str, told: Sequence[tuple[Feature, str, str]]) -> Trace:
    """Columns with their addresses and labels."""
    columns = [one for one, _, _ in told]
    effects = [one.effect or 0.0 for one in columns]
    pairs = list(zip(columns, effects, strict=True))
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": effects,
        "y": [label for _, _, label in told],
        "marker": {"color": role},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(one.high - at, 0.0) for one, at in pairs],
            "arrayminus": [max(at - one.low, 0.0) for one, at in pairs],
            "color": "$text",
            "thickness": 1.5,
            "width": 4,
        },
        "customdata": [address for _, address, _ in told],
        "text": [
            f"{effect(one.effect)} ({effect(one.low)} to {effect(one.high)}), n = {one.rows:,}"
            for one in columns
        ],
        "textposition": "none",
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }


def _labels(names: Iterable[str]) -> list[str]:
    return told_apart(plain(cut(name, _LABEL)) for name in names)


def _upright(name: str, at: float, labels: Sequence[str]) -> Trace:
    """A limit across all bars."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [at] * len(labels),
        "y": list(labels),
        "line": {"color": "$limit", "width": 1.5, "dash": "dash"},
        "hoverinfo": "skip",
    }


def _from_above(names: Sequence[str]) -> dict[str, Any]:
    """An axis of names, the first on top."""
    return {
        "type": "category",
        "autorange": "reversed",
        "categoryorder": "array",
        "categoryarray": list(names),
    }


def _lying(figure: Figure, names: Sequence[str]) -> Figure:
    """Bars that lie, so that words can be read."""
    for trace in figure["data"]:
        trace |= {"orientation": "h", "x": trace["y"], "y": trace["x"]}
    layout = figure["layout"]
    axes = {"xaxis": layout["yaxis"], "yaxis": _from_above(names)}
    size = {"height": _FRAME_PX + _LINE_PX * len(names), "hovermode": "y unified"}
    return {"data": figure["data"], "layout": layout | axes | size}
