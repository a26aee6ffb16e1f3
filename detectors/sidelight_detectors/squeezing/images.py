"""What takes detail from images, all of shape ``(n, h, w, c)``, float64, in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter

Images = NDArray[np.float64]

WHITE = 255.0


@dataclass(frozen=True)
class BitDepth:
    """Pixels of ``2^bits`` levels.

    W. Xu, D. Evans, Y. Qi, "Feature Squeezing", NDSS 2018, section III A.
    """

    bits: int

    @property
    def name(self) -> str:
        return f"bits-{self.bits}"

    def __call__(self, images: Images) -> Images:
        steps = 2**self.bits - 1
        # Halves go up, as in the paper's code; numpy's own rounding goes to the even level.
        reduced: Images = np.floor(images * steps + 0.5) / steps
        return reduced


@dataclass(frozen=True)
class Median:
    """Each pixel the median of a square around it; of an even side the square reaches up and left.

    The same, section III B; beyond the edge the image is mirrored.
    """

    side: int

    @property
    def name(self) -> str:
        return f"median-{self.side}"

    def __call__(self, images: Images) -> Images:
        smoothed: Images = median_filter(images, size=(1, self.side, self.side, 1), mode="reflect")
        return smoothed


@dataclass(frozen=True)
class NonLocalMeans:
    """Each pixel the mean of those around it, weighted by how alike their surroundings are.

    The weight of a pixel at squared distance d of patches, a mean over patch and channels, is
    ``exp(-d / strength^2)`` with pixels on the scale to 255 (A. Buades, B. Coll, J.-M. Morel,
    CVPR 2005).

    Parameters
    ----------
    search, patch:
        Sides of the square that is searched and of the patches, in pixels, odd.
    """

    search: int
    patch: int
    strength: float

    @property
    def name(self) -> str:
        return f"nlm-{self.search}-{self.patch}-{self.strength:g}"

    def __call__(self, images: Images) -> Images:
        reach = self.search // 2
        height, width = images.shape[1:3]
        sides = ((0, 0), (reach, reach), (reach, reach), (0, 0))
        wide = np.pad(images, sides, mode="symmetric")
        total, weights = np.zeros_like(images), np.zeros((*images.shape[:3], 1))
        for down in range(2 * reach + 1):
            for right in range(2 * reach + 1):
                moved = wide[:, down : down + height, right : right + width]
                weight = self._weight(images, moved)
                total += weight * moved
                weights += weight
        return total / weights

    def _weight(self, images: Images, moved: Images) -> Images:
        apart = np.square(images - moved).mean(axis=3, keepdims=True) * WHITE**2
        near = uniform_filter(apart, size=(1, self.patch, self.patch, 1), mode="reflect")
        # A running mean may end below zero by its last bits.
        weight: Images = np.exp(-np.maximum(near, 0.0) / self.strength**2)
        return weight
