"""A small plot of effects along one feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sidelight_explainers.pictures.drawing.flow import Drawn
from sidelight_explainers.pictures.drawing.letters import shortened, width_of
from sidelight_explainers.pictures.drawing.shapes import (
    Area,
    Box,
    Drawing,
    Letters,
    Line,
    Point,
    Shape,
)
from sidelight_explainers.pictures.page import Plot
from sidelight_explainers.pictures.wording import number

HEIGHT = 210.0
_TITLE, _SMALL = 14.0, 12.0
_TOP, _BOTTOM, _RIGHT = 30.0, 26.0, 10.0


def plot_alone(plot: Plot, width: float) -> Drawing:
    """A drawing of nothing else."""
    drawn = draw_plot(plot, 0, width)
    return Drawing(width, drawn.bottom, drawn.shapes, plot.title)


def draw_plot(plot: Plot, top: float, width: float) -> Drawn:
    """The effects as a line (numbers) or dots (categories), with intervals and single rows."""
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
    left = max(width_of(number(one), _SMALL) for one in (low, high)) + 10
    right = width - _RIGHT
    places = tuple(left + one * (right - left) for one in _shares(plot))
    bounds = (low - margin, high + margin)
    return _Frame(left, right, top + _TOP, top + HEIGHT - _BOTTOM, places, *bounds)


def _shares(plot: Plot) -> list[float]:
    """How far along the axis each point is; categories stand in the middle of equal parts."""
    if not plot.places:
        return [(at + 0.5) / len(plot.labels) for at in range(len(plot.labels))]
    first, last = min(plot.places), max(plot.places)
    return [(one - first) / ((last - first) or 1.0) for one in plot.places]


def _shapes(plot: Plot, frame: _Frame) -> Iterator[Shape]:
    title = shortened(plot.title, _TITLE, frame.right, bold=True)
    yield Letters(0, frame.top - _TOP + 16, title, _TITLE, bold=True)
    yield from _scale(plot, frame)
    for line in plot.lines:
        yield Line(frame.line(line), "mute", 1, 0.35)
    yield from _curve(plot, frame) if plot.places else _dots(plot, frame)
    yield from _labels(plot, frame)


def _scale(plot: Plot, frame: _Frame) -> Iterator[Shape]:
    low, high = plot.reach
    marks = [low, high, 0.0] if low < 0 < high else [low, high]
    for mark in marks:
        y = frame.y(mark)
        yield Line([(frame.left, y), (frame.right, y)], "rule")
        crowded = mark == 0 and min(abs(y - frame.y(one)) for one in (low, high)) < _SMALL
        if not crowded:
            yield Letters(frame.left - 6, y + 4, number(mark), _SMALL, "soft", "end")


def _curve(plot: Plot, frame: _Frame) -> Iterator[Shape]:
    if plot.low:
        edge = frame.line(plot.low) + frame.line(plot.high)[::-1]
        yield Area(edge, "down", 0.22)
    yield Line(frame.line(plot.effects), "down", 2.5)


def _dots(plot: Plot, frame: _Frame) -> Iterator[Shape]:
    for x, effect in zip(frame.places, plot.effects, strict=True):
        yield Box(x - 4, frame.y(effect) - 4, 8, 8, "down")
    for x, low, high in zip(frame.places, plot.low, plot.high, strict=plot.low != ()):
        yield Line([(x, frame.y(low)), (x, frame.y(high))], "down", 2)


def _labels(plot: Plot, frame: _Frame) -> Iterator[Shape]:
    y = frame.bottom + _BOTTOM - 8
    if plot.places:
        yield Letters(frame.left, y, plot.labels[0], _SMALL, "soft")
        yield Letters(frame.right, y, plot.labels[-1], _SMALL, "soft", "end")
        for x in frame.places:
            yield Line([(x, frame.bottom), (x, frame.bottom + 4)], "mute")
        return
    room = (frame.right - frame.left) / len(frame.places)
    for x, label in zip(frame.places, plot.labels, strict=True):
        yield Letters(x, y, shortened(label, _SMALL, room - 4), _SMALL, "soft", "middle")
