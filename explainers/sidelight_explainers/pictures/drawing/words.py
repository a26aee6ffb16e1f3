"""A text with shaded words, in lines; written from the right where it is read so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sidelight_explainers.pictures.colours import Paint
from sidelight_explainers.pictures.drawing.flow import LEADING, TEXT, Drawn
from sidelight_explainers.pictures.drawing.letters import width_of, wrapped
from sidelight_explainers.pictures.drawing.shapes import Box, Letters, Shape
from sidelight_explainers.pictures.page import Run, Words

_PIECES = re.compile(r"\n|[^\S\n]+|[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]|[^\s\u2e80-\u9fff]+")
"""Line ends, spaces, characters of scripts without spaces, words."""

MOST_LINES = 60

_STEP = TEXT * LEADING * 1.15


def draw_words(block: Words, top: float, width: float) -> Drawn:
    """The first lines of it."""
    shapes: list[Shape] = []
    bottom = top
    mirrored = is_from_the_right("".join(run.text for run in block.runs))
    for piece in _joined(_placed(block, width)):
        if piece.line == MOST_LINES:
            shapes.append(Letters(0, bottom + TEXT, "…", TEXT))
            return Drawn(shapes, bottom + _STEP)
        y = top + piece.line * _STEP
        bottom = y + _STEP
        left = width - piece.x - piece.room if mirrored else piece.x
        shapes += _shapes(piece, left, y, mirrored)
    return Drawn(shapes, bottom)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of a line: where it begins and how wide it is."""

    text: str
    weight: float
    x: float
    line: int
    room: float

    def with_next(self, other: _Piece) -> _Piece:
        gap = " " if other.x > self.x + self.room + 1 else ""
        room = other.x + other.room - self.x
        return _Piece(f"{self.text}{gap}{other.text}", 0.0, self.x, self.line, room)


def _shapes(piece: _Piece, left: float, y: float, mirrored: bool) -> Iterator[Shape]:
    room = piece.room
    if piece.weight:
        paint: Paint = "up" if piece.weight > 0 else "down"
        yield Box(left - 1, y + 1, room + 2, TEXT * 1.35, paint, shade(piece.weight))
    yield Letters(left, y + TEXT * 1.05, piece.text, TEXT, mirrored=mirrored, room=room)


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


def _joined(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """What is plain and in one line is one piece."""
    last: _Piece | None = None
    for piece in pieces:
        if last and last.line == piece.line and not last.weight and not piece.weight:
            last = last.with_next(piece)
            continue
        if last:
            yield last
        last = piece
    if last:
        yield last


def _placed(block: Words, width: float) -> Iterator[_Piece]:
    """Every word in its line."""
    x, line = 0.0, 0
    for text, weight in _pieces(block.runs, width):
        if text == "\n":
            x, line = 0.0, line + 1
            continue
        room = width_of(text, TEXT)
        if x and x + room > width:
            x, line = 0.0, line + 1
        if not text.isspace():
            yield _Piece(text, weight, x, line, room)
        if x or not text.isspace():
            x += room


def _pieces(runs: tuple[Run, ...], width: float) -> Iterator[tuple[str, float]]:
    for run in runs:
        for piece in _PIECES.findall(run.text):
            told = " " if piece.isspace() and piece != "\n" else piece
            parts = [told] if told.isspace() else wrapped(told, TEXT, width)
            for part in parts:
                yield part, run.weight
