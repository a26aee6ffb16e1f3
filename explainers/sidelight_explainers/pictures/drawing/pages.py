"""A whole page on one narrow sheet."""

from __future__ import annotations

from sidelight_explainers.pictures.drawing.bars import draw_bars
from sidelight_explainers.pictures.drawing.flow import LEADING, SMALL, TEXT, Drawn, draw_text
from sidelight_explainers.pictures.drawing.letters import shortened
from sidelight_explainers.pictures.drawing.plots import draw_plot
from sidelight_explainers.pictures.drawing.shapes import (
    Box,
    Drawing,
    Letters,
    Line,
    Pixels,
    Shape,
)
from sidelight_explainers.pictures.drawing.tables import draw_table
from sidelight_explainers.pictures.drawing.words import draw_words
from sidelight_explainers.pictures.page import (
    Bars,
    Block,
    Gallery,
    Page,
    Paragraph,
    Plots,
    Table,
    Words,
)

WIDTH = 400.0
MARGIN = 18.0
_GAP = 14.0
_HEADING = 18.0


def draw(page: Page) -> Drawing:
    """Everything below each other, as for a telephone."""
    width = WIDTH - 2 * MARGIN
    drawn = draw_text(page.heading, MARGIN, width, _HEADING, bold=True)
    shapes = [*drawn.shapes]
    for block in page.blocks:
        drawn = _drawn(block, drawn.bottom + _GAP, width)
        shapes += drawn.shapes
    y = drawn.bottom + _GAP
    shapes.append(Line([(0, y), (width, y)], "rule"))
    drawn = Drawn((), y + 6)
    for note in page.notes:
        drawn = draw_text(note, drawn.bottom + 2, width, SMALL, paint="soft")
        shapes += drawn.shapes
    height = drawn.bottom + MARGIN
    card = Box(-MARGIN, 0, WIDTH, height, "card")
    return Drawing(WIDTH, height, [card, *shapes], page.heading, MARGIN)


def _drawn(block: Block, top: float, width: float) -> Drawn:
    match block:
        case Paragraph():
            return draw_text(block.text, top, width, TEXT if block.strong else SMALL)
        case Bars():
            return draw_bars(block, top, width)
        case Words():
            return draw_words(block, top, width)
        case Gallery():
            return _gallery(block, top, width)
        case Table():
            return draw_table(block, top, width)
        case Plots():
            return _plots(block, top, width)


def _plots(block: Plots, top: float, width: float) -> Drawn:
    drawn = Drawn((), top)
    shapes: list[Shape] = []
    for plot in block.plots:
        drawn = draw_plot(plot, drawn.bottom, width)
        shapes += drawn.shapes
    return Drawn(shapes, drawn.bottom)


def _gallery(block: Gallery, top: float, width: float) -> Drawn:
    """Two beside each other."""
    room = (width - _GAP) / 2
    shapes: list[Shape] = []
    y = top
    for at in range(0, len(block.pictures), 2):
        bottom = y
        for column, picture in enumerate(block.pictures[at : at + 2]):
            x = column * (room + _GAP)
            height = room * picture.pixels.shape[0] / picture.pixels.shape[1]
            shapes.append(Pixels(x, y, room, height, picture.pixels, picture.caption))
            caption = shortened(picture.caption, SMALL, room)
            shapes.append(Letters(x, y + height + SMALL * LEADING, caption, SMALL, "soft"))
            bottom = max(bottom, y + height + 2 * SMALL * LEADING)
        y = bottom
    return Drawn(shapes, y)
