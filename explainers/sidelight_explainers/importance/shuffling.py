"""Rows that take one feature's values from other rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight_explainers.surveys.asking import Floats
from sidelight_explainers.surveys.intervals import half_width


@dataclass(frozen=True, eq=False)
class Shuffles:
    """`donors` (r, n): in each of r repeats, the row that each of n rows takes the value from."""

    donors: NDArray[np.intp]

    @classmethod
    def draw(cls, repeats: int, rows: int, rng: Generator) -> Shuffles:
        """Each row gives once and takes once a repeat, and never from itself if there are two."""
        circles = rng.permuted(np.tile(np.arange(rows), (repeats, 1)), axis=1)
        donors = np.empty_like(circles)
        np.put_along_axis(donors, circles, np.roll(circles, -1, axis=1), axis=1)
        return cls(donors)

    def mean(self, losses: Floats) -> tuple[float, float]:
        """The mean of losses (r, n), and the half width of its 95 % interval.

        A row counts twice, where it takes and where it gives (the projection of a statistic of
        pairs; Hoeffding 1948); what is left of the chance of the shuffles makes it a bit wide.
        """
        given = np.empty_like(losses)
        np.put_along_axis(given, self.donors, losses, axis=1)
        mean = losses.mean()
        return float(mean), float(half_width((losses + given).mean(axis=0) - mean))
