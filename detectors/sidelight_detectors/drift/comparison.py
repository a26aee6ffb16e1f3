"""What a test says of one window, column by column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Windows' counts against the reference's, ``(F,)`` each; fields as in `ColumnFinding`."""

    statistic: Floats
    distance: Floats
    error: Floats
    p_value: Floats
    size: Floats
    low: Floats
    high: Floats

    @property
    def table(self) -> Floats:
        """All fields in their order, ``(7, F)``."""
        fields = self.statistic, self.distance, self.error, self.p_value
        return np.stack([*fields, self.size, self.low, self.high])
