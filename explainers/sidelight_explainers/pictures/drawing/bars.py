"""Bars below their names."""

from __future__ import annotations

from collections.abc import Iterator

from sidelight_explainers.pictures.colours import Paint
from sidelight_explainers.pictures.drawing.flow import SMALL, TEXT, Drawn
from sidelight_explainers.pictures.drawing.letters import shortened, width_of
from sidelight_explainers.pictures.drawing.shapes import Box, Letters, Line, Shape
from sidelight_explainers.pictures.page import Bar, Bars, Level
from sidelight_explainers.pictures.wording import amount, error
from sidelight_explainers.pictures.wording import level as told_level

_ROW = 42.0
_BAR_TOP, _BAR = 22.0, 12.0


def draw_bars(block: Bars, top: float, width: float) -> Drawn:
    """In each row a name and an amount, and the bar beneath."""
    rows = [one for one in (block.first, *block.bars, block.last) if one is not None]
    shapes: list[Shape] = []
    for at, row in enumerate(rows):
        y = top + at * _ROW
        shapes += _row(row, block, y, width)
    return Drawn(shapes, top + len(rows) * _ROW)


def _row(row: Bar | Level, block: Bars, y: float, width: float) -> Iterator[Shape]:
    return _level(row, block, y, width) if isinstance(row, Level) else _bar(row, block, y, width)


def _level(level: Level, block: Bars, y: float, width: float) -> Iterator[Shape]:
    yield from _heading(level.label, told_level(level.value, block.largest), y, width, bold=True)
    x = block.place(level.value) * width
    yield Box(x - 1, y + _BAR_TOP, 2, _BAR, "ink")


def _bar(bar: Bar, block: Bars, y: float, width: float) -> Iterator[Shape]:
    yield from _heading(bar.label, _amount(bar, block.largest), y, width)
    origin = block.place(block.origin) * width
    yield Line([(origin, y + _BAR_TOP - 2), (origin, y + _BAR_TOP + _BAR + 2)], "mute")
    low, high = sorted(block.place(one) * width for one in (bar.start, bar.end))
    paint: Paint = "mute" if bar.muted else "up" if bar.amount >= 0 else "down"
    yield Box(low, y + _BAR_TOP, max(high - low, 1.5), _BAR, paint)
    if bar.low is not None and bar.high is not None and bar.error is not None:
        ends = [block.place(bar.start + one) * width for one in (bar.low, bar.high)]
        middle = y + _BAR_TOP + _BAR / 2
        yield Line([(one, middle) for one in ends], "ink", 2)


def _amount(bar: Bar, largest: float) -> str:
    told = amount(bar.amount, largest)
    return told if bar.error is None else f"{told} {error(bar.error, largest)}"


def _heading(
    label: str, told: str, y: float, width: float, *, bold: bool = False
) -> Iterator[Shape]:
    room = width - width_of(told, SMALL, bold) - 12
    yield Letters(0, y + TEXT, shortened(label, SMALL, room, bold), SMALL, bold=bold)
    yield Letters(width, y + TEXT, told, SMALL, anchor="end", bold=bold)
