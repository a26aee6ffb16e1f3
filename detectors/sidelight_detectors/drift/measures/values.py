"""What the sums of `moments` say of columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import Sums
from sidelight_detectors.moments import POWERS, UNIT

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Values:
    """Mean, variance and kurtosis of columns, ``(F,)``, in half clipping ranges."""

    sums: Sums
    rows: NDArray[np.int64]

    @cached_property
    def powers(self) -> Floats:
        """Mean excess below and above the reference's range, then mean powers, a line each."""
        powers: Floats = self.sums.reshape(-1, len(self.rows)) / (UNIT * self.rows)
        return powers

    @property
    def mean(self) -> Floats:
        mean: Floats = self.powers[POWERS]
        return mean

    @cached_property
    def variance(self) -> Floats:
        variance = self.powers[POWERS + 1] - self.mean**2
        # What is left of equal values after rounding is no width.
        return np.where(variance > 4 / UNIT, variance, 0.0)

    @cached_property
    def deviation(self) -> Floats:
        return np.sqrt(self.variance)

    @cached_property
    def kurtosis(self) -> Floats:
        """The fourth central moment over the squared variance; 1 where nothing varies.

        Needs four powers.
        """
        mean, (_, second, third, fourth) = self.mean, self.powers[POWERS:]
        central = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
        squared = self.variance**2
        return np.where(squared > 0, central / squared, 1.0)

    @property
    def log_deviation_variance(self) -> Floats:
        """Of the estimate of the logarithm of the deviation."""
        return np.maximum(self.kurtosis - 1, 0.0) / (4 * self.rows)
