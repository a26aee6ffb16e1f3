"""A square patch moved over a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Patches:
    """`corners` (k, 2): the top and left of each patch, of `side` pixels, on (height, width)."""

    height: int
    width: int
    side: int
    corners: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.corners)

    def visible(self, patches: NDArray[np.intp]) -> NDArray[np.float32]:
        """What is seen beside each of the patches, (r, h, w): 0 under it, 1 elsewhere."""
        tops, lefts = self.corners[patches, 0, None], self.corners[patches, 1, None]
        down, along = np.arange(self.height), np.arange(self.width)
        rows = (tops <= down) & (down < tops + self.side)
        columns = (lefts <= along) & (along < lefts + self.side)
        return 1 - (rows[:, :, None] & columns[:, None, :]).astype(np.float32)

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each pixel the mean over the first patches' values (k,) that cover it; 0 where none
        does."""
        sums, counts = np.zeros((2, self.height, self.width))
        for (top, left), value in zip(self.corners, values, strict=False):
            here = np.s_[top : top + self.side, left : left + self.side]
            sums[here] += value
            counts[here] += 1
        return sums / np.maximum(counts, 1)


def patches_over(height: int, width: int, side: int, stride: int, rng: Generator) -> Patches:
    """Patches from edge to edge, in random order, so that the first are spread over the picture."""
    tops, lefts = _steps(height, side, stride), _steps(width, side, stride)
    corners = np.array([(top, left) for top in tops for left in lefts], np.intp)
    return Patches(height, width, side, rng.permutation(corners))


def _steps(length: int, side: int, stride: int) -> list[int]:
    last = max(length - side, 0)
    return sorted({*range(0, last + 1, stride), last})
