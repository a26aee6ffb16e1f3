"""Random smooth masks over a picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SmoothMasks:
    """Masks (height, width) from 0 to 1 with the mean `visible`, numbered 0, 1, ... for ever.

    Each is drawn on `cells` by `cells` cells, made larger by bilinear interpolation and moved by
    part of a cell (Petsiuk, Das & Saenko, BMVC 2018, section 3.2). Masks 2 i and 2 i + 1 are a
    pair: where the one draws u the other draws 1 - u.
    """

    height: int
    width: int
    cells: int
    visible: float
    seed: int

    def pairs(self, numbers: Iterable[int]) -> Floats:
        """Both masks of those pairs, one pair after the other, (2 * pairs, h, w)."""
        return np.concatenate([self._pair(int(at)) for at in numbers])

    def _pair(self, number: int) -> Floats:
        rng = np.random.default_rng((self.seed, number))
        drawn = rng.random((self.cells + 2, self.cells + 2))
        down, along = rng.random(2)
        shown = np.stack([drawn < self.visible, 1 - drawn < self.visible]).astype(np.float32)
        rows = _interpolation(self.height, self.cells, down)
        columns = _interpolation(self.width, self.cells, along)
        return np.asarray(rows @ shown @ columns.T, np.float32)


def _interpolation(length: int, cells: int, moved: float) -> Floats:
    """(length, cells + 2): the weight of each cell at each pixel."""
    at = np.arange(length) * (cells / length) + moved
    weights = 1 - np.abs(at[:, None] - np.arange(cells + 2))
    return np.asarray(np.maximum(weights, 0), np.float32)
