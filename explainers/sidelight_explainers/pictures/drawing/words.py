"""A text with shaded words, in lines; written from the right where it is read so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from sidelight_explainers.pictures.colours import Paint
from sidelight_explainers.pictures.drawing.flow import LEADING, TEXT, Drawn
from sidelight_explainers.pictures.drawing.letters import width_of, wrapped
from sidelight_explainers.pictures.drawing.shapes import Box, Letters, Shape
from sidelight_explainers.pictures.page import Run, Words

_PIECES = re.compile(r"\n|[^\S\n]+|[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]|[^\s\u2e80-\u9fff]+")
"""Line ends, spaces, characters of scripts without spaces, words."""

MOST_LINES = 120

_STEP = TEXT * LEADING * 1.15


def draw_words(block: Words, top: float, width: float) -> Drawn:
    """At most `MOST_LINES` lines."""
    shapes: list[Shape] = []
    bottom = top
    mirrored = is_from_the_right("".join(run.text for run in block.runs))
    for piece, weight, x, line, room in _placed(block, width):
        if line >= MOST_LINES:
            break
        y = top + line * _STEP
        bottom = y + _STEP
        left = width - x - room if mirrored else x
        if weight:
            paint: Paint = "up" if weight > 0 else "down"
            shapes.append(Box(left - 1, y + 1, room + 2, TEXT * 1.35, paint, shade(weight)))
        shapes.append(Letters(left, y + TEXT * 1.05, piece, TEXT, mirrored=mirrored))
    return Drawn(shapes, bottom)


def shade(weight: float) -> float:
    """How opaque a weight is; letters stay legible on the strongest."""
    return round(0.15 + 0.55 * abs(weight), 2)


def is_from_the_right(text: str) -> bool:
    """By the first letter that has a direction."""
    for one in text:
        direction = unicodedata.bidirectional(one)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def _placed(block: Words, width: float) -> Iterator[tuple[str, float, float, int, float]]:
    """Each piece with its weight, place, line, and width."""
    x, line = 0.0, 0
    for piece, weight in _pieces(block.runs, width):
        if piece == "\n":
            x, line = 0.0, line + 1
            continue
        room = width_of(piece, TEXT)
        if x and x + room > width:
            x, line = 0.0, line + 1
        if not piece.isspace():
            yield piece, weight, x, line, room
        if x or not piece.isspace():
            x += room


def _pieces(runs: tuple[Run, ...], width: float) -> Iterator[tuple[str, float]]:
    for run in runs:
        for piece in _PIECES.findall(run.text):
            told = " " if piece.isspace() and piece != "\n" else piece
            parts = [told] if told.isspace() else wrapped(told, TEXT, width)
            for part in parts:
                yield part, run.weight
