"""Wasserstein's distance of numeric columns, from cells and sums of values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import NumericCells
from sidelight_detectors.drift.effect import NORMAL, chance_of
from sidelight_detectors.drift.measures.measured import Baseline, Known, Measured, View
from sidelight_detectors.moments import ABOVE, BELOW

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Wasserstein:
    """The area between the two distribution functions (Wasserstein-1, earth mover's distance).

    In standard deviations of the reference, over values clipped to the range of `moments`.

    At points both functions are known. A gap between two points adds its width times the mean of
    the distances at its ends, which is wrong by at most half the gap's mass in both samples times
    its width: their sum is `error`. Beyond the reference's range the sums of `moments` are exact.

    Chance is taken off place by place as in `drift.effect`. The bounds add to what chance gives at
    most the normal deviation of the mean: no weighting of the area varies more (its covariances are
    never below zero).
    """

    baseline: Baseline
    known: Known

    def measure(self, view: View) -> Measured:
        ours, theirs, unit = view.values, self.known.values, self.known.unit
        stack, numeric = self.baseline.numeric.stack, view.numeric
        differences = numeric.running * stack.spread(1 / ours.rows) - self._shares
        beyond = (ours.powers[BELOW] + ours.powers[ABOVE]) / unit
        value = stack.total(np.abs(differences) * self._widths) + beyond
        scale = np.sqrt(1 / ours.rows + 1 / theirs.rows)
        chance = chance_of(differences, self._deviations * stack.spread(scale))
        effect = value - stack.total(chance * self._widths)
        error = stack.total(numeric.counts * self._gap_widths) / ours.rows + self._own_masses
        bias = self._areas * scale * np.maximum(ours.deviation / unit, 1.0)
        margin = NORMAL * np.sqrt(ours.variance / ours.rows + theirs.variance / theirs.rows) / unit
        low, high = np.maximum(value - error - bias - margin, 0.0), value + error + margin
        return self.known.placed(Measured(value, effect, low, high, error))

    @cached_property
    def _shares(self) -> Floats:
        """The reference's distribution function of numbers alone; NaN and null do not matter."""
        numeric = self.baseline.numeric
        return np.minimum(numeric.running / numeric.stack.spread(self.known.values.rows), 1.0)

    @cached_property
    def _deviations(self) -> Floats:
        return np.sqrt(self._shares * (1 - self._shares))

    @cached_property
    def _areas(self) -> Floats:
        return self.baseline.numeric.stack.total(self._deviations * self._widths) * sqrt(2 / pi)

    @cached_property
    def _own_masses(self) -> Floats:
        numeric = self.baseline.numeric
        return numeric.stack.total(numeric.counts * self._gap_widths) / self.known.values.rows

    @cached_property
    def _gap_widths(self) -> Floats:
        """Half the width of each gap between two points, 0 in other cells."""
        return np.where(self.baseline.numeric.gaps, self._widths, 0.0)

    @cached_property
    def _widths(self) -> Floats:
        """Half the width of the gap that each point begins and each gap is."""
        moments = self.known.moments
        columns = [one for one in self.baseline.grid.columns if isinstance(one, NumericCells)]
        ranges = zip(columns, moments.low, moments.high, strict=True)
        points = [np.clip(column.points, low, high) for column, low, high in ranges]
        units = self.known.unit * moments.half
        return np.concatenate([*map(_half_widths, points, units)])


def _half_widths(points: Floats, unit: float) -> Floats:
    """By cell of one column; the tails, NaN and null have none."""
    widths = np.zeros(2 * len(points) + 3)
    if len(points) > 1:
        widths[1 : 2 * len(points) - 1] = np.repeat(np.diff(points) / unit / 2, 2)
    return widths
