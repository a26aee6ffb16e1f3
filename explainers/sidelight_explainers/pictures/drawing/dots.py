"""Effects of categories, as dots beside their names."""

from __future__ import annotations

from collections.abc import Iterator

from sidelight_explainers.pictures.drawing.flow import PLOT_TEXT, PLOT_TITLE, Drawn
from sidelight_explainers.pictures.drawing.letters import shortened, width_of
from sidelight_explainers.pictures.drawing.shapes import Box, Letters, Line, Shape
from sidelight_explainers.pictures.page import Plot
from sidelight_explainers.pictures.wording import mark

_TOP, _ROW, _BOTTOM = 30.0, 22.0, 26.0
_NAMES = 0.42
"""Share of the width that names may take."""


def draw_dots(plot: Plot, top: float, width: float) -> Drawn:
    """Each category in a row of its own; effects to the right."""
    bottom = top + _TOP + _ROW * len(plot.labels)
    return Drawn(list(_shapes(plot, top, bottom, width)), bottom + _BOTTOM)


def _shapes(plot: Plot, top: float, bottom: float, width: float) -> Iterator[Shape]:
    title = shortened(plot.title, PLOT_TITLE, width, bold=True)
    yield Letters(0, top + 16, title, PLOT_TITLE, bold=True)
    names = min(max(width_of(one, PLOT_TEXT) for one in plot.labels), width * _NAMES)
    yield from _scale(plot, names, top + _TOP, bottom, width)
    for at, label in enumerate(plot.labels):
        y = top + _TOP + _ROW * (at + 0.5)
        yield Letters(0, y + 4, shortened(label, PLOT_TEXT, names), PLOT_TEXT)
        yield from _dot(plot, at, names, y, width)


def _place(plot: Plot, effect: float, names: float, width: float) -> float:
    low, high = plot.reach
    left, right = names + 20, width - 14
    return left + (effect - low) / ((high - low) or 1.0) * (right - left)


def _scale(plot: Plot, names: float, top: float, bottom: float, width: float) -> Iterator[Shape]:
    low, high = plot.reach
    ends = [_place(plot, one, names, width) for one in (low, high)]
    for effect in [low, high, 0.0] if low < 0 < high else [low, high]:
        x = _place(plot, effect, names, width)
        yield Line([(x, top), (x, bottom)], "rule")
        crowded = low < effect < high and min(abs(x - one) for one in ends) < 3 * PLOT_TEXT
        if not crowded:
            told = mark(effect, high - low)
            yield Letters(x, bottom + 15, told, PLOT_TEXT, "soft", "middle")


def _dot(plot: Plot, at: int, names: float, y: float, width: float) -> Iterator[Shape]:
    if plot.low:
        ends = [_place(plot, one[at], names, width) for one in (plot.low, plot.high)]
        yield Line([(x, y) for x in ends], "down", 2)
    x = _place(plot, plot.effects[at], names, width)
    yield Box(x - 4, y - 4, 8, 8, "down")
