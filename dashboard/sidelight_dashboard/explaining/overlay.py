"""A picture under what each of its places moved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_dashboard.explaining.shown import Json

UP = (194, 38, 27)
DOWN = (11, 98, 196)
"""As the charts' roles of these names in the light theme."""
STRONGEST = 0.75
"""How much of the strongest place's colour is tint."""
SMALLEST_SIDE = 320
"""Smaller pictures are enlarged by a whole factor, so that their pixels stay sharp."""


def overlaid(data: Json, picture: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    """(h, w, 3) of an explanation's data and the picture, (h, w) or (h, w, 3), that it is of.

    None where the data has no places; where the picture is gone the places stand on grey.
    """
    heat = _heat(data)
    if heat is None:
        return None
    plain = _coloured(picture, heat.shape)
    is_rule = data.get("content") == "anchor"
    return enlarged(_kept(plain, heat > 0) if is_rule else _tinted(plain, heat))


def enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """By a whole factor, where it is small."""
    factor = max(SMALLEST_SIDE // max(picture.shape[:2]), 1)
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _heat(data: Json) -> NDArray[np.float64] | None:
    """(h, w) in the output's unit; of a rule 1 where it needs the place."""
    if "heat" in data:
        return np.asarray(data["heat"], np.float64)
    if "segments" not in data:
        return None
    segments = np.asarray(data["segments"], np.intp)
    return _amounts(data, int(segments.max(initial=0)) + 1)[segments]


def _amounts(data: Json, count: int) -> NDArray[np.float64]:
    """By the number of the place."""
    told = np.zeros(count)
    if "players" in data:
        told[[at for at in data["players"] if at < count]] = 1.0
        return told
    amounts: list[Any] = [one["contribution"] for one in data["attributions"]][:count]
    told[: len(amounts)] = amounts
    return told


def _coloured(picture: NDArray[np.uint8] | None, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if picture is None or picture.shape[:2] != shape:
        return np.full((*shape, 3), 128, np.uint8)
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


def _tinted(picture: NDArray[np.uint8], heat: NDArray[np.float64]) -> NDArray[np.uint8]:
    """In grey, warm where the heat is positive and cold where it is negative."""
    largest = float(np.abs(heat).max(initial=0.0)) or 1.0
    share = STRONGEST * np.abs(heat)[..., None] / largest
    tint = np.where(heat[..., None] >= 0, UP, DOWN)
    told = _pale(picture) * (1 - share) + tint * share
    return np.asarray(np.rint(told), np.uint8)


def _kept(picture: NDArray[np.uint8], kept: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """As it is where it is kept, pale elsewhere."""
    return np.where(kept[..., None], picture, _pale(picture)).astype(np.uint8)


def _pale(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Grey and light, so that dark pictures too show the tints."""
    grey = picture.mean(axis=2, keepdims=True)
    return np.asarray(150 + grey * (105 / 255))
