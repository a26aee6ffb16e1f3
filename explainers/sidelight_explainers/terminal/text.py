"""An explanation as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill

from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.composing import compose
from sidelight_explainers.pictures.page import (
    Bar,
    Bars,
    Block,
    Gallery,
    Paragraph,
    Plot,
    Plots,
    Row,
    Table,
    Words,
)
from sidelight_explainers.pictures.wording import clean, cut
from sidelight_explainers.terminal.bars import text_bars

COLUMNS = 88

LONGEST_CELL = 20

STRONG = 0.25
"""Words that moved less than this share of the strongest are not marked."""


def plain_text(explanation: Explanation) -> str:
    """What a person reads in a terminal."""
    page = compose(explanation)
    notes = "\n".join(fill(note, COLUMNS) for note in page.notes)
    return clean("\n\n".join((page.heading, *map(_block, page.blocks), notes)))


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return fill(text, COLUMNS)
        case Bars():
            return text_bars(block)
        case Words():
            return _words(block)
        case Table():
            return _table(block)
        case Plots(plots):
            return "\n\n".join(map(_plot, plots))
        case Gallery():
            return "(The picture is in --html, --svg and --png.)"


def _words(block: Words) -> str:
    text = "".join(_marked(run.text, run.weight) for run in block.runs)
    return "\n".join(fill(line, COLUMNS) for line in text.splitlines())


def _marked(text: str, weight: float) -> str:
    if abs(weight) < STRONG:
        return text
    return f"{text}[{'+' if weight > 0 else '-'}]"


def _table(block: Table) -> str:
    rows = [block.headings, *map(_cells, block.rows)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(block.headings))]
    return "\n".join(_line(row, widths) for row in rows)


def _cells(row: Row) -> tuple[str, ...]:
    return tuple(
        cut(cell, LONGEST_CELL) + ("*" if at in row.marked else "")
        for at, cell in enumerate(row.cells)
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _plot(plot: Plot) -> str:
    bars = Bars(tuple(_points(plot)), signed=plot.signed, bounds=plot.bounds)
    return f"{plot.title}\n{text_bars(bars)}"


def _points(plot: Plot) -> Iterator[Bar]:
    for at, (label, effect) in enumerate(zip(plot.labels, plot.effects, strict=True)):
        low, high = (plot.low[at], plot.high[at]) if plot.low else (None, None)
        yield Bar(label, effect, 0.0, low, high)
