"""Coalitions as keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.games.game import Masks


def packed(masks: Masks, background: NDArray[np.intp]) -> NDArray[np.uint8]:
    """(r, k) bytes: who is there and, unless everybody is, against which background."""
    told = np.where(masks.all(axis=1), 0, background).astype("<u4")
    numbers = np.ascontiguousarray(told).view(np.uint8).reshape(len(masks), 4)
    return np.hstack([np.packbits(masks, axis=1), numbers])
