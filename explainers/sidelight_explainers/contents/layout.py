"""Where the players of a text or a picture are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, slots=True)
class TextLayout:
    """The text, and for each player its pieces as (start, end) in characters."""

    feature: str
    text: str
    spans: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True, eq=False, slots=True)
class ImageLayout:
    """The picture as one sees it, uint8 (h, w) or (h, w, 3), and each pixel's player, (h, w)."""

    feature: str
    picture: NDArray[np.uint8]
    segments: NDArray[np.int32]


Layout = TextLayout | ImageLayout
