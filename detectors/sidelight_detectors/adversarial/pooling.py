"""Pictures made small: means over bands of rows and columns, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.encoders.fixed_point import FixedPoint
from sidelight_detectors.encoders.image_statistics import channel_axis

Units = NDArray[np.float64]
"""Whole numbers in float64: sums and products of them are exact in any order."""


@dataclass(frozen=True)
class Pictures:
    """Rows of tensors as pictures ``(n, height, width, channels)`` of whole numbers.

    A tensor with neither two nor three axes is a picture one element high.
    """

    shape: tuple[int, ...]
    fixed: FixedPoint

    def of(self, rows: NDArray[np.float32]) -> Units:
        """Of rows ``(n, d)``."""
        units = self.fixed.of(rows).reshape(len(rows), *self.shape)
        if len(self.shape) not in (2, 3):
            return units.reshape(len(rows), 1, -1, 1)
        if channel_axis(self.shape) == 0:
            units = np.moveaxis(units, 1, 3)
        return units if len(self.shape) == 3 else units[..., None]


def pooled(pictures: Units, side: int) -> Units:
    """Means over at most `side` bands an axis, rounded to whole numbers."""
    for axis in (1, 2):
        size = pictures.shape[axis]
        if size > side:
            starts = np.arange(side) * size // side
            widths = np.diff(starts, append=size)
            sums = np.add.reduceat(pictures, starts, axis=axis)
            pictures = np.rint(sums / np.expand_dims(widths, [0, 2, 3] if axis == 1 else [0, 1, 3]))
    return pictures
