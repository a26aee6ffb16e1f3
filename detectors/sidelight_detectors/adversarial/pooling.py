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
    """Means over bands of equal width, rounded to whole numbers; the last band may be wider.

    At least `side` bands an axis, or as many as it has elements, and fewer than twice as many.
    """
    for axis in (1, 2):
        if (width := pictures.shape[axis] // side) > 1:
            pictures = _banded(pictures, axis, width)
    return pictures


def _banded(pictures: Units, axis: int, width: int) -> Units:
    size = pictures.shape[axis]
    whole = size - size % width
    sums = pictures[_along(axis, 0, whole, width)].copy()
    for first in range(1, width):
        sums += pictures[_along(axis, first, whole, width)]
    if whole < size:
        last = sums[_along(axis, -1, None)]
        last += pictures[_along(axis, whole, None)].sum(axis=axis, keepdims=True)
        # Rounded in two steps: the wider band is first brought to the sum of an ordinary one.
        np.rint(last * (width / (width + size - whole)), out=last)
    return np.rint(sums / width)


def _along(axis: int, *cut: int | None) -> tuple[slice, ...]:
    return (*[slice(None)] * axis, slice(*cut))
