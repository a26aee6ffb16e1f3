"""A table; each row below the last, cells wrapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidelight_explainers.pictures.colours import Paint
from sidelight_explainers.pictures.drawing.flow import LEADING, SMALL, Drawn
from sidelight_explainers.pictures.drawing.letters import width_of, wrapped
from sidelight_explainers.pictures.drawing.shapes import Box, Letters, Line, Shape
from sidelight_explainers.pictures.page import Row, Table

_GAP = 12.0
_PAD = 5.0
_NARROWEST = 48.0


def draw_table(block: Table, top: float, width: float) -> Drawn:
    """Columns as wide as what they hold, or as their share of what room there is."""
    widths = _widths(block, width)
    shapes: list[Shape] = []
    y = top
    for at, row in enumerate((Row(block.headings), *block.rows)):
        cells = [wrapped(cell, SMALL, room) for cell, room in zip(row.cells, widths, strict=True)]
        height = max(map(len, cells), default=1) * SMALL * LEADING + 2 * _PAD
        shapes += _row(row, cells, widths, y, height, is_heading=at == 0)
        y += height
        shapes.append(Line([(0, y), (width, y)], "rule"))
    return Drawn(shapes, y)


def _widths(block: Table, width: float) -> list[float]:
    rows = [block.headings, *(row.cells for row in block.rows)]
    wished = [
        max(_NARROWEST, *(width_of(row[at], SMALL, bold=True) for row in rows))
        for at in range(len(block.headings))
    ]
    room = width - _GAP * (len(wished) - 1)
    return wished if sum(wished) <= room else _shared(wished, room)


def _shared(wished: Sequence[float], room: float) -> list[float]:
    """Narrow columns as they wish, the others the same share of what is left."""
    widths: dict[int, float] = {}
    for at in sorted(range(len(wished)), key=lambda one: wished[one]):
        widths[at] = min(wished[at], (room - sum(widths.values())) / (len(wished) - len(widths)))
    return [widths[at] for at in range(len(wished))]


def _row(
    row: Row,
    cells: Sequence[Sequence[str]],
    widths: Sequence[float],
    y: float,
    height: float,
    *,
    is_heading: bool,
) -> Iterator[Shape]:
    x = 0.0
    for at, (lines, room) in enumerate(zip(cells, widths, strict=True)):
        is_marked = at in row.marked
        if is_marked:
            yield Box(x - 4, y + 1, room + 8, height - 2, "tint")
        for number, line in enumerate(lines):
            baseline = y + _PAD + SMALL + number * SMALL * LEADING
            paint: Paint = "soft" if is_heading else "ink"
            yield Letters(x, baseline, line, SMALL, paint, bold=is_heading or is_marked)
        x += room + _GAP
