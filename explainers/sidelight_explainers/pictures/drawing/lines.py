"""Effects over numbers, as a line in its band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sidelight_explainers.pictures.drawing.flow import PLOT_TEXT, PLOT_TITLE, Drawn
from sidelight_explainers.pictures.drawing.letters import shortened, width_of
from sidelight_explainers.pictures.drawing.shapes import Area, Letters, Line, Point, Shape
from sidelight_explainers.pictures.page import Plot
from sidelight_explainers.pictures.wording import mark

HEIGHT = 210.0
_TOP, _BOTTOM, _RIGHT = 30.0, 26.0, 10.0


def draw_line(plot: Plot, top: float, width: float) -> Drawn:
    """Effects upwards, the feature to the right."""
    return Drawn(list(_shapes(plot, _frame(plot, top, width))), top + HEIGHT)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where points and effects lie on the sheet: `places` of the points, and between which ends
    effects from `low` to `high` lie."""

    left: float
    right: float
    top: float
    bottom: float
    places: tuple[float, ...]
    low: float
    high: float

    def y(self, effect: float) -> float:
        share = (effect - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    def line(self, effects: Sequence[float]) -> list[Point]:
        return [(x, self.y(one)) for x, one in zip(self.places, effects, strict=True)]


def _frame(plot: Plot, top: float, width: float) -> _Frame:
    low, high = plot.reach
    margin = (high - low) * 0.05 or 0.5
    left = max(width_of(mark(one, high - low), PLOT_TEXT) for one in (low, high)) + 10
    right = width - _RIGHT
    first, last = min(plot.places), max(plot.places)
    scale = (right - left) / ((last - first) or 1.0)
    places = tuple(left + (one - first) * scale for one in plot.places)
    bounds = (low - margin, high + margin)
    return _Frame(left, right, top + _TOP, top + HEIGHT - _BOTTOM, places, *bounds)


def _shapes(plot: Plot, frame: _Frame) -> Iterator[Shape]:
    title = shortened(plot.title, PLOT_TITLE, frame.right, bold=True)
    yield Letters(0, frame.top - _TOP + 16, title, PLOT_TITLE, bold=True)
    yield from _scale(plot, frame)
    for line in plot.lines:
        yield Line(frame.line(line), "mute", 1, 0.35)
    if plot.low:
        edge = frame.line(plot.low) + frame.line(plot.high)[::-1]
        yield Area(edge, "down", 0.22)
    yield Line(frame.line(plot.effects), "down", 2.5)
    yield from _points(plot, frame)


def _scale(plot: Plot, frame: _Frame) -> Iterator[Shape]:
    low, high = plot.reach
    for effect in [low, high, 0.0] if low < 0 < high else [low, high]:
        y = frame.y(effect)
        yield Line([(frame.left, y), (frame.right, y)], "rule")
        crowded = (
            low < effect < high and min(abs(y - frame.y(one)) for one in (low, high)) < PLOT_TEXT
        )
        if not crowded:
            told = mark(effect, high - low)
            yield Letters(frame.left - 6, y + 4, told, PLOT_TEXT, "soft", "end")


def _points(plot: Plot, frame: _Frame) -> Iterator[Shape]:
    y = frame.bottom + _BOTTOM - 8
    yield Letters(frame.left, y, plot.labels[0], PLOT_TEXT, "soft")
    yield Letters(frame.right, y, plot.labels[-1], PLOT_TEXT, "soft", "end")
    for x in frame.places:
        yield Line([(x, frame.bottom), (x, frame.bottom + 4)], "mute")
