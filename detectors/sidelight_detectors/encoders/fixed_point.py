"""Numbers as whole multiples of a unit, so that their sums are exact in any order.

A product of such whole numbers, and every sum of products below 2**53, is exact in float64. A
matrix product of them is then the same to the last bit however a library orders, blocks or threads
it, whatever the processor: a row's projection cannot depend on the rows beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PRECISION_BITS = 16
"""The reference's largest magnitude is at most so many bits of units."""
LIMIT = 2.0 ** (PRECISION_BITS + 5)
"""Values are cut at this many units: beyond 32 times the reference's range all is equally far."""


@dataclass(frozen=True)
class FixedPoint:
    """Whole multiples of `unit`, a power of two."""

    unit: float

    def of(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Whole numbers of units in float64, of the values as float32 whatever they came as."""
        narrow = values.astype(np.float32, copy=False).astype(np.float64)
        with np.errstate(over="ignore"):
            narrow /= self.unit
        np.rint(narrow, out=narrow)
        return np.clip(narrow, -LIMIT, LIMIT, out=narrow)


def fixed_point_for(values: NDArray[Any]) -> FixedPoint:
    """The unit for values like these."""
    finite = values[np.isfinite(values)].astype(np.float32)
    _, exponent = np.frexp(np.float64(np.abs(finite).max(initial=0)))
    return FixedPoint(float(2.0 ** (int(exponent) - PRECISION_BITS)))
