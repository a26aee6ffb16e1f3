"""What the drawing of a block gives, and the measures that all blocks share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sidelight_explainers.pictures.colours import Paint
from sidelight_explainers.pictures.drawing.letters import wrapped
from sidelight_explainers.pictures.drawing.shapes import Letters, Shape

TEXT = 15.0
"""Size of letters; on a screen of 320 pixels the sheet is shown at four fifths."""
SMALL = 13.0
PLOT_TITLE, PLOT_TEXT = 14.0, 12.0
LEADING = 1.4
"""Height of a line of text, in sizes of its letters."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Shapes below `top`, which was given, and where they end."""

    shapes: Sequence[Shape]
    bottom: float


def draw_text(
    text: str, top: float, width: float, size: float, *, bold: bool = False, paint: Paint = "ink"
) -> Drawn:
    """Wrapped lines."""
    lines = wrapped(text, size, width, bold)
    step = size * LEADING
    shapes = [
        Letters(0, top + at * step + size, line, size, paint, bold=bold)
        for at, line in enumerate(lines)
    ]
    return Drawn(shapes, top + len(lines) * step)
