"""The change of mean and width of numeric columns, from sums of values.

Both are in standard deviations of the reference (the mean of a column that is constant there: in
the column's own unit), over values clipped to the range of `moments`. NaN and null count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sidelight_detectors.drift.effect import NORMAL
from sidelight_detectors.drift.measures.measured import Known, Measured, View


@dataclass(frozen=True, eq=False)
class Mean:
    """The change of the mean, with Welch's standard error."""

    known: Known

    def measure(self, view: View) -> Measured:
        ours, theirs, unit = view.values, self.known.values, self.known.unit
        value = (ours.mean - theirs.mean) / unit
        variance = (ours.variance / ours.rows + theirs.variance / theirs.rows) / unit**2
        margin = NORMAL * np.sqrt(variance + value**2 * theirs.log_deviation_variance)
        found = Measured(value, value, value - margin, value + margin, np.zeros_like(value))
        return self.known.placed(found)


@dataclass(frozen=True, eq=False)
class Deviation:
    """The change of the standard deviation, as a share of the reference's.

    Bounds by the delta method on its logarithm, with both samples' kurtosis. A column that is
    constant in the reference has none.
    """

    known: Known

    def measure(self, view: View) -> Measured:
        ours, theirs = view.values, self.known.values
        ratio = ours.deviation / np.where(theirs.variance > 0, theirs.deviation, np.nan)
        chance = (3 / theirs.rows - 1 / ours.rows) * (theirs.kurtosis - 1) / 8
        variance = ours.log_deviation_variance + theirs.log_deviation_variance
        margin = np.exp(NORMAL * np.sqrt(variance))
        low, high = ratio / margin - 1, ratio * margin - 1
        found = Measured(ratio - 1, ratio - 1 - chance, low, high, np.zeros_like(ratio))
        return self.known.placed(found)
