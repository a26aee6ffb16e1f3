"""What stands where a picture is covered."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sidelight.config.explaining.players import PictureSettings


def covers(picture: NDArray[Any], options: PictureSettings) -> NDArray[Any]:
    """The baselines (b, h, w, c) of a picture (h, w, c), in its own numbers and dtype."""
    told = [_cover(name, picture.astype(np.float64), options) for name in options.baselines]
    return _as(picture.dtype, np.stack(told))


def _cover(
    name: str, picture: NDArray[np.float64], options: PictureSettings
) -> NDArray[np.float64]:
    if name == "mean":
        return np.broadcast_to(picture.mean(axis=(0, 1)), picture.shape)
    if name == "blur":
        sigma = options.blur * max(picture.shape[:2])
        return np.asarray(gaussian_filter(picture, (sigma, sigma, 0), mode="nearest"))
    return np.full(picture.shape, options.constant)


def _as(dtype: np.dtype[Any], values: NDArray[np.float64]) -> NDArray[Any]:
    if dtype.kind == "b":
        return values >= 0.5
    if dtype.kind == "f":
        return values.astype(dtype)
    held = np.iinfo(dtype)
    return np.clip(np.rint(values), held.min, held.max).astype(dtype)
