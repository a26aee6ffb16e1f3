"""A table; each row below the last, cells wrapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidelight_explainers.pictures.colours import Paint
from sidelight_explainers.pictures.drawing.flow import LEADING, Drawn
from sidelight_explainers.pictures.drawing.letters import pieces, width_of, wrapped
from sidelight_explainers.pictures.drawing.shapes import Box, Letters, Line, Shape
from sidelight_explainers.pictures.page import Row, Table

_SIZE = 12.0
_GAP = 12.0
_PAD = 5.0
_NARROWEST = 30.0


def draw_table(block: Table, top: float, width: float) -> Drawn:
    """Columns as wide as what they hold, or as there is room."""
    widths = _widths(block, width)
    heading = Row(block.headings, frozenset(range(len(block.headings))))
    shapes: list[Shape] = []
    y = top
    for row in (heading, *block.rows):
        cells = [
            wrapped(cell, _SIZE, room, bold=at in row.marked)
            for at, (cell, room) in enumerate(zip(row.cells, widths, strict=True))
        ]
        height = max(map(len, cells), default=1) * _SIZE * LEADING + 2 * _PAD
        shapes += _row(row, cells, widths, y, height, is_heading=row is heading)
        y += height
        shapes.append(Line([(0, y), (width, y)], "rule"))
    return Drawn(shapes, y)


def _widths(block: Table, width: float) -> list[float]:
    """What they hold where there is room; else at least their longest word, as far as may be."""
    columns = list(zip(block.headings, *(row.cells for row in block.rows), strict=True))
    room = width - _GAP * (len(columns) - 1)
    wished = [max(_NARROWEST, *(_width(cell) for cell in cells)) for cells in columns]
    if sum(wished) <= room:
        return wished
    least = [max(_NARROWEST, *(_longest_word(cell) for cell in cells)) for cells in columns]
    if sum(least) > room:
        return _shared(least, room)
    spare = (room - sum(least)) / (sum(wished) - sum(least))
    return [few + (many - few) * spare for few, many in zip(least, wished, strict=True)]


def _width(cell: str) -> float:
    return width_of(cell, _SIZE, bold=True) + 1


def _longest_word(cell: str) -> float:
    return max(map(_width, pieces(cell)), default=0.0)


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
        if is_marked and not is_heading:
            yield Box(x - 4, y + 1, room + 8, height - 2, "tint")
        for number, line in enumerate(lines):
            baseline = y + _PAD + _SIZE + number * _SIZE * LEADING
            paint: Paint = "soft" if is_heading else "ink"
            yield Letters(x, baseline, line, _SIZE, paint, bold=is_marked)
        x += room + _GAP
