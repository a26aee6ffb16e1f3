"""Pictures cut into parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.players import SuperpixelSettings

Segments = NDArray[np.int32]
"""(h, w), each pixel's part: 0, 1, ..."""

GREY = 100
"""Colours are compared on a scale of 0 to 100 (CIELAB), greys of 0 to 1."""


def grid(height: int, width: int, count: int) -> Segments:
    """About `count` equal rectangles, as square as they can be, at least one."""
    tall = min(max(round(math.sqrt(count * height / width)), 1), height, count)
    wide = min(max(count // tall, 1), width)
    rows, columns = np.arange(height) * tall // height, np.arange(width) * wide // width
    return (rows[:, None] * wide + columns).astype(np.int32)


def slic(picture: NDArray[np.uint8], count: int, compactness: float) -> Segments:
    """About `count` superpixels (Achanta et al., PAMI 2012) of what one sees; of a flat picture
    one."""
    from skimage.segmentation import slic as of_picture

    found: NDArray[Any] = of_picture(
        picture,
        n_segments=count,
        compactness=compactness if picture.ndim == 3 else compactness / GREY,
        start_label=0,
        channel_axis=-1 if picture.ndim == 3 else None,
    )
    return np.unique(found, return_inverse=True)[1].reshape(found.shape).astype(np.int32)


def segments_of(picture: NDArray[np.uint8], options: SuperpixelSettings, most: int) -> Segments:
    """The parts of a picture, `most` at most; a grid where superpixels find no edges, or more."""
    count = min(options.count, most)
    if options.segments == "slic":
        found = slic(picture, count, options.compactness)
        if 2 <= int(found.max()) + 1 <= most:
            return found
    return grid(*_size(picture), count)


def _size(picture: NDArray[np.uint8]) -> tuple[int, int]:
    return picture.shape[0], picture.shape[1]
