"""Predicted probabilities beside what came true of them."""

from __future__ import annotations

from sidelight_dashboard.bias.findings import Labels, Number
from sidelight_dashboard.drawing.figures import Figure


def calibration(found: Labels) -> Figure:
    """A mark for each band of probability; on the line as many came true as were predicted."""
    bands = [one for one in found.calibration if one.came_true is not None]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "name": "as predicted",
                "x": [0, 1],
                "y": [0, 1],
                "line": {"color": "$limit", "dash": "dash", "width": 1.5},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "name": "came true, with 95 % bounds",
                "x": [one.predicted for one in bands],
                "y": [one.came_true for one in bands],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [_between(one.came_true, one.high) for one in bands],
                    "arrayminus": [_between(one.low, one.came_true) for one in bands],
                    "color": "$series",
                },
                "marker": {"symbol": "circle", "color": "$series", "size": 7},
                "text": [f"n = {one.rows}" for one in bands],
                "hovertemplate": "predicted %{x:.1%}, came true %{y:.1%} (%{text})<extra></extra>",
            },
        ],
        "layout": {
            "xaxis": _share("predicted probability"),
            "yaxis": _share("share that came true"),
        },
    }


def _share(title: str) -> Figure:
    return {"title": {"text": title}, "tickformat": ".0%", "range": [-0.02, 1.02]}


def _between(low: Number, high: Number) -> float:
    return 0.0 if low is None or high is None else high - low
