"""A picture whose regions are tinted by what they moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sidelight_explainers.contents.layout import ImageLayout
from sidelight_explainers.pictures.colours import rgb
from sidelight_explainers.pictures.page import Gallery, Picture

LARGEST_SIDE = 240
"""Pixels a side; larger pictures are reduced, smaller ones enlarged."""

STRONGEST = 0.75
"""How much of the strongest region's colour is tint."""


def tinted_regions(layout: ImageLayout, amounts: Sequence[float]) -> Gallery:
    """The picture as it is, and with its regions tinted."""
    told = np.asarray(amounts, dtype=np.float64)
    return tinted(layout.picture, told[layout.segments])


def kept_regions(layout: ImageLayout, kept: NDArray[np.bool_]) -> Gallery:
    """The picture as it is, and with all that is not kept in grey."""
    plain = coloured(layout.picture)
    grey = np.broadcast_to(plain.mean(axis=2, keepdims=True), plain.shape)
    paled = np.where(kept[..., None], plain, 150 + grey / 6).astype(np.uint8)
    return Gallery(
        (Picture("as it was sent", sized(plain)), Picture("what is enough", sized(paled)))
    )


def tinted(picture: NDArray[np.uint8], heat: NDArray[np.float64]) -> Gallery:
    """The picture as it is, and under its heat (h, w)."""
    plain = coloured(picture)
    return Gallery(
        (
            Picture("as it was sent", sized(plain)),
            Picture("warm raises, cold lowers", sized(under(plain, heat))),
        )
    )


def coloured(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w) or (h, w, 1) as (h, w, 3)."""
    flat = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    return np.repeat(flat[..., None], 3, axis=2) if flat.ndim == 2 else flat[..., :3]


def under(picture: NDArray[np.uint8], heat: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The picture in grey, warm where the heat is positive and cold where it is negative."""
    grey = picture.mean(axis=2, keepdims=True)
    largest = float(np.abs(heat).max(initial=0.0)) or 1.0
    share = STRONGEST * np.abs(heat)[..., None] / largest
    tint = np.where(heat[..., None] >= 0, rgb("up"), rgb("down"))
    # Pale, so that dark pictures too show the tints
    pale = 150 + grey * (105 / 255)
    return np.asarray(np.rint(pale * (1 - share) + tint * share), dtype=np.uint8)


def sized(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most `LARGEST_SIDE` pixels a side, small ones enlarged by whole factors."""
    height, width = picture.shape[:2]
    image, side = Image.fromarray(picture), max(height, width)
    if side > LARGEST_SIDE:
        size = (max(width * LARGEST_SIDE // side, 1), max(height * LARGEST_SIDE // side, 1))
        return np.asarray(image.resize(size, Image.Resampling.BOX))
    factor = max(LARGEST_SIDE // side, 1)
    return np.asarray(image.resize((width * factor, height * factor), Image.Resampling.NEAREST))
