"""Heat as it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.contents.heatmap import Heatmap
from sidelight_explainers.images.canvas import Canvas
from sidelight_explainers.sweeping import Answers

DIGITS = 5
"""Told of the largest heat; what is left of a smaller one's digits says nothing to anybody."""


def heatmap(
    canvas: Canvas,
    answers: Answers,
    heat: NDArray[np.float64],
    error: NDArray[np.float64] | None,
    facts: Mapping[str, Any],
) -> Heatmap:
    """The heat (h, w) of a picture with its 95 % half widths, in few digits."""
    places = DIGITS - int(np.ceil(np.log10(max(float(np.abs(heat).max()), 1e-300))))
    return Heatmap(
        output=answers.name,
        prediction=answers.prediction,
        heat=_rounded(heat, places),
        error=None if error is None else _rounded(error, places),
        feature=canvas.column.name,
        picture=canvas.seen,
        facts=tuple(facts.items()),
    )


def _rounded(values: NDArray[np.float64], places: int) -> NDArray[np.float64]:
    return np.round(values, min(places, 300)) + 0.0
