"""How steeply an output rises as each pixel becomes visible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.images.smooth_masks import SmoothMasks

Z95 = 1.96
TINY = 1e-30
AT_ONCE = 64
"""Pairs whose masks are in memory at one time."""


class Slopes:
    """The slope of outputs in the value of random masks, pixel by pixel.

    With the output f and the mask's distance from its mean d, over all masks: the sum of f d over
    the sum of d^2. f is taken from its mean over the first pairs, which changes no expectation. The
    half widths are those of a ratio of means over pairs (Cochran, Sampling Techniques, 1977,
    equation 6.13).
    """

    def __init__(self, masks: SmoothMasks) -> None:
        self._masks = masks
        self._centre = 0.0
        self._sums = np.zeros((5, masks.height, masks.width))
        self.known = 0

    def add(self, outputs: NDArray[np.float64]) -> None:
        """The outputs of the next pairs, (pairs, 2)."""
        if self.known == 0:
            self._centre = float(outputs.mean())
        for start in range(0, len(outputs), AT_ONCE):
            self._add(outputs[start : start + AT_ONCE] - self._centre)

    def slope(self) -> NDArray[np.float64]:
        """(h, w), in the output's unit for a whole mask's step from 0 to 1."""
        products, squares = self._sums[:2]
        return np.asarray(products / np.maximum(squares, TINY))

    def half_width(self) -> NDArray[np.float64]:
        """(h, w), of 95 % intervals over masks that might have been drawn."""
        slope, (_, squares, of_products, mixed, of_squares) = self.slope(), self._sums
        rest = of_products - 2 * slope * mixed + slope**2 * of_squares
        scale = self.known / max(self.known - 1, 1)
        error = np.sqrt(np.maximum(rest, 0) * scale)
        return np.asarray(Z95 * error / np.maximum(squares, TINY))

    def _add(self, outputs: NDArray[np.float64]) -> None:
        count = len(outputs)
        masks = self._masks.pairs(range(self.known, self.known + count))
        away = masks.astype(np.float64) - self._masks.visible
        weighed = away * outputs.reshape(-1, 1, 1)
        products, squares = (
            one.reshape(count, 2, *one.shape[1:]).sum(axis=1) for one in (weighed, away**2)
        )
        told = (products, squares, products**2, products * squares, squares**2)
        self._sums += [one.sum(axis=0) for one in told]
        self.known += count
