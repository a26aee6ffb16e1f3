"""Maximum mean discrepancy of a window and the reference, from sums of features.

Arthur Gretton et al.: "A Kernel Two-Sample Test", JMLR 13 (2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import CellIndex
from sidelight_detectors.contract import Sums
from sidelight_detectors.joint.findings import CONFIDENCE
from sidelight_detectors.joint.fourier import SCALE, FourierFeatures
from sidelight_detectors.joint.quadratic import QuadraticForm


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """`statistic` is the squared distance of the two mean feature vectors, in [0, 2].

    `effect` is the MMD; its square is unbiased but for the cut below 0. `low` and `high` bound it.
    """

    statistic: float
    p_value: float
    effect: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class DiscrepancyTest:
    """How far the mean features of a window lie from those of the reference.

    Sees any change of the rows' joint distribution that its kernel resolves: best changes of many
    columns at once. Misses a small change of one column among many, which the tests of single
    columns see, and says of no column that it is to blame.

    When nothing has changed the statistic is close to a weighted sum of squared normals, the
    weights being the variances of the features in the reference (central limit theorem in as many
    dimensions as there are features).

    Parameters
    ----------
    sums:
        Of the reference's features, ``(2D,)``.
    rows:
        Complete rows of the reference.
    variances:
        Of the reference's features along their principal axes, above 0; a row's squared length
        is 1.
    """

    sums: Sums
    rows: int
    variances: NDArray[np.float64]

    def compare(self, sums: Sums, rows: int) -> Discrepancy:
        """A window with at least two complete rows."""
        window, reference = self._mean(sums, rows), self._mean(self.sums, self.rows)
        statistic = float(((window - reference) ** 2).sum())
        noise = _noise(window, rows) + _noise(reference, self.rows)
        scale = 1 / rows + 1 / self.rows
        size = sqrt(max(statistic - noise, 0.0))
        # The window's own spread may differ from the reference's once it has changed.
        margin = sqrt(self._quantile / self._law.mean * noise)
        low, high = max(sqrt(statistic) - margin, 0.0), min(sqrt(statistic) + margin, sqrt(2.0))
        return Discrepancy(statistic, self._law.tail(statistic / scale), size, low, high)

    @cached_property
    def _law(self) -> QuadraticForm:
        return QuadraticForm(self.variances)

    @cached_property
    def _quantile(self) -> float:
        return self._law.quantile(1 - CONFIDENCE)

    def _mean(self, sums: Sums, rows: int) -> NDArray[np.float64]:
        return sums / (rows * SCALE * sqrt(len(sums) / 2))


def _noise(mean: NDArray[np.float64], rows: int) -> float:
    """What chance adds to a squared distance: the rows' variance over their number."""
    return (1 - float((mean**2).sum())) / (rows - 1)


def fit_discrepancy(features: FourierFeatures, own: CellIndex) -> DiscrepancyTest:
    """From the reference's complete rows, at least two."""
    sums, products = np.zeros(features.size, np.int64), np.zeros((features.size,) * 2)
    for block in features.blocks(own):
        # Whole numbers below 2^53: the order of additions does not matter.
        wide = block.astype(np.float64)
        sums += block.sum(axis=0, dtype=np.int64)
        products += wide.T @ wide
    rows = len(own)
    covariance = (products - np.outer(sums, sums / rows)) / (rows - 1)
    variances = np.linalg.eigvalsh(covariance) / (SCALE**2 * features.size / 2)
    return DiscrepancyTest(sums, rows, variances[variances > 1e-9 * variances.max(initial=1e-9)])
