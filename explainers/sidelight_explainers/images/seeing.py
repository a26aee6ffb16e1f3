"""A model's picture as one sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BYTE = 255.0
DARK = 64.0
"""A picture without a number above this hardly runs from 0 to 255."""


def seen(picture: NDArray[Any], span: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """(h, w) or (h, w, 3), 0 to 255, of a picture (h, w, c) in the model's numbers.

    `span` are the numbers of black and white, found by `span_of` when None. Transparency is left
    out, and of other numbers of colours than 1, 3 and 4 the mean is shown.
    """
    black, white = span or span_of(picture)
    scaled = (picture.astype(np.float64) - black) / ((white - black) or 1.0)
    told = np.clip(np.rint(np.nan_to_num(scaled) * BYTE), 0, BYTE).astype(np.uint8)
    if told.shape[2] in (3, 4):
        return told[:, :, :3]
    return told[:, :, 0] if told.shape[2] == 1 else told.mean(axis=2).astype(np.uint8)


def span_of(picture: NDArray[Any]) -> tuple[float, float]:
    """The numbers of black and white: 0 to 1 or 0 to 255 where all fit, else the extremes."""
    if picture.dtype in (np.uint8, np.bool_):
        return 0.0, BYTE if picture.dtype == np.uint8 else 1.0
    low, high = float(np.nanmin(picture)), float(np.nanmax(picture))
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    if low >= 0 and DARK < high <= BYTE:
        return 0.0, BYTE
    return low, high
