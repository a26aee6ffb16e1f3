"""A drawing as PNG, by day."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, features

from sidelight_explainers.pictures.colours import Paint, rgb
from sidelight_explainers.pictures.drawing.letters import font_for
from sidelight_explainers.pictures.drawing.shapes import (
    Area,
    Box,
    Drawing,
    Letters,
    Line,
    Pixels,
    Shape,
)

LARGEST_BYTES = 48_000

FORMS = ((2, 128), (2, 48), (1, 128), (1, 48), (1, 16))
"""Dots a pixel of the sheet, and colours: photographs need fewer to stay small."""

_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def png(drawing: Drawing) -> bytes:
    """A file of at most `LARGEST_BYTES`, as fine as that allows."""
    content = b""
    for scale, colours in FORMS:
        content = _file(_sheet(drawing, scale), colours)
        if len(content) <= LARGEST_BYTES:
            break
    return content


def _file(sheet: Image.Image, colours: int) -> bytes:
    file = io.BytesIO()
    sheet.quantize(colours, method=Image.Quantize.FASTOCTREE).save(file, "PNG", optimize=True)
    return file.getvalue()


def _sheet(drawing: Drawing, scale: int) -> Image.Image:
    size = (round(drawing.width * scale), round(drawing.height * scale))
    sheet = Image.new("RGB", size, rgb("card"))
    brush = _Brush(sheet, drawing.margin, scale)
    for shape in drawing.shapes:
        brush.paint(shape)
    return sheet


class _Brush:
    """Paints shapes on one sheet."""

    def __init__(self, sheet: Image.Image, margin: float, scale: int) -> None:
        self._sheet = sheet
        self._draw = ImageDraw.Draw(sheet, "RGBA")
        self._margin = margin
        self._scale = scale

    def paint(self, shape: Shape) -> None:
        match shape:
            case Box(x, y, width, height, paint, opacity):
                corners = [self._dot(x, y), self._dot(x + width, y + height)]
                self._draw.rectangle(_filled(corners), fill=_colour(paint, opacity))
            case Area(points, paint, opacity):
                dots = [self._dot(*one) for one in points]
                self._draw.polygon(dots, fill=_colour(paint, opacity))
            case Line(points, paint, width, opacity):
                dots = [self._dot(*one) for one in points]
                thick = max(round(width * self._scale), 1)
                self._draw.line(dots, fill=_colour(paint, opacity), width=thick, joint="curve")
            case Letters():
                self._write(shape)
            case Pixels():
                self._paste(shape)

    def _dot(self, x: float, y: float) -> tuple[float, float]:
        return (x + self._margin) * self._scale, y * self._scale

    def _write(self, letters: Letters) -> None:
        self._draw.text(
            self._dot(letters.x, letters.y),
            letters.text,
            fill=rgb(letters.paint),
            font=font_for(letters.text, letters.size * self._scale, letters.bold),
            anchor=_ANCHORS[letters.anchor],
            direction=_direction(letters),
        )

    def _paste(self, pixels: Pixels) -> None:
        size = (round(pixels.width * self._scale), round(pixels.height * self._scale))
        image = Image.fromarray(pixels.pixels).resize(size)
        x, y = self._dot(pixels.x, pixels.y)
        self._sheet.paste(image, (round(x), round(y)))


def _direction(letters: Letters) -> str | None:
    if not features.check("raqm"):
        return None
    return "rtl" if letters.mirrored else "ltr"


def _filled(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Pillow paints the last row and column of a rectangle too."""
    (left, top), (right, bottom) = corners
    return [(left, top), (max(right - 1, left), max(bottom - 1, top))]


def _colour(paint: Paint, opacity: float) -> tuple[int, int, int, int]:
    return (*rgb(paint), round(255 * opacity))
