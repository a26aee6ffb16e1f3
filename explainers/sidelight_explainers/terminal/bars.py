"""Bars in a terminal."""

from __future__ import annotations

from sidelight_explainers.pictures.page import Bar, Bars, Level
from sidelight_explainers.pictures.wording import amount, cut, error, level

BAR_CELLS = 36
"""Cells of the whole scale."""

LONGEST_LABEL = 36


def text_bars(block: Bars) -> str:
    """A line a bar: its label, its amount, and where it reaches from and to."""
    rows = [one for one in (block.first, *block.bars, block.last) if one is not None]
    labels = [cut(row.label, LONGEST_LABEL) for row in rows]
    told = [_told(row, block) for row in rows]
    widths = max(map(len, labels), default=0), max(map(len, told), default=0)
    lines = zip(labels, told, rows, strict=True)
    return "\n".join(
        f"{label:<{widths[0]}}  {words:>{widths[1]}}  {_cells(row, block)}".rstrip()
        for label, words, row in lines
    )


def _told(row: Bar | Level, block: Bars) -> str:
    if isinstance(row, Level):
        return level(row.value, block.largest)
    told = (amount if block.signed else level)(row.amount, block.largest)
    return told if row.error is None else f"{told} {error(row.error, block.largest)}"


def _cells(row: Bar | Level, block: Bars) -> str:
    if isinstance(row, Level):
        return " " * min(_cell(row.value, block), BAR_CELLS - 1) + "│"
    low, high = sorted((_cell(row.start, block), _cell(row.end, block)))
    mark = "█" if row.amount >= 0 else "▒"
    return " " * low + mark * (high - low)


def _cell(value: float, block: Bars) -> int:
    return round(block.place(value) * BAR_CELLS)
