"""What a drawing is made of. Lengths are in pixels of the sheet, y grows downwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.pictures.colours import Paint

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    paint: Paint
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: Sequence[Point]
    paint: Paint
    width: float = 1.0
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon."""

    points: Sequence[Point]
    paint: Paint
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Letters:
    """A line of text whose baseline begins (on the left), is centred, or ends at (x, y).

    A mirrored one is part of a text that is read from the right. Where `room` is given, the text
    is fitted into that width, whatever the font.
    """

    x: float
    y: float
    text: str
    size: float
    paint: Paint = "ink"
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
    mirrored: bool = False
    room: float | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Pixels:
    """A picture, uint8 (h, w, 3), in a rectangle."""

    x: float
    y: float
    width: float
    height: float
    pixels: NDArray[np.uint8]
    caption: str


Shape = Box | Line | Area | Letters | Pixels


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a sheet, later ones above earlier ones; `title` says what is seen.

    The sheet's left edge is at x = -`margin`, its upper one at y = 0.
    """

    width: float
    height: float
    shapes: Sequence[Shape]
    title: str
    margin: float = 0.0
