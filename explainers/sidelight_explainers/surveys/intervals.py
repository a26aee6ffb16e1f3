"""95 % intervals of means over rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
LEVEL = 0.95


def half_width(values: Floats) -> Floats:
    """Of the interval of the mean of two or more independent rows (n, ...) by Student's t."""
    rows = len(values)
    t = stdtrit(rows - 1, (1 + LEVEL) / 2)
    return np.asarray(t * values.std(axis=0, ddof=1) / np.sqrt(rows))
