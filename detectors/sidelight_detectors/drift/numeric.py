"""What the tests of numeric columns share: distribution functions in cells, column after column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import Counts
from sidelight_detectors.drift.stack import Stack

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NumericReference:
    """The reference of the numeric columns that are tested, ``(cells,)``, cells in their order."""

    counts: Counts
    stack: Stack

    @cached_property
    def rows(self) -> Counts:
        return self.stack.total(self.counts)

    @cached_property
    def running(self) -> Counts:
        return self.stack.running(self.counts, self.rows)

    @property
    def numbers(self) -> Counts:
        """Rows that are neither NaN nor null, by column."""
        return self.running[self.stack.ends - 2]

    @cached_property
    def shares(self) -> Floats:
        """The distribution function right of each cell."""
        return self.running / self.stack.spread(self.rows)

    @cached_property
    def gaps(self) -> NDArray[np.bool_]:
        """Cells in which values differ: gaps and tails, but not NaN and null."""
        own = np.arange(len(self.counts)) - self.stack.spread(self.stack.starts)
        gaps: NDArray[np.bool_] = own % 2 == 0
        return gaps & (own < self.stack.spread(self.stack.sizes - 2))

    @cached_property
    def errors(self) -> Floats:
        """The largest reference share in one gap: D exceeds what cells show by at most this.

        Inside a gap ``F_n - F_m`` can pass its value at the gap's ends only by the reference's
        own mass there; at points, and in gaps the reference leaves empty, it cannot.
        """
        return self.stack.largest(np.where(self.gaps, self.counts, 0)) / self.rows


@dataclass(frozen=True, eq=False)
class NumericWindow:
    """A window's counts in the same cells, at least one row in each column."""

    counts: Counts
    reference: NumericReference

    @cached_property
    def rows(self) -> Counts:
        return self.reference.stack.total(self.counts)

    @cached_property
    def running(self) -> Counts:
        return self.reference.stack.running(self.counts, self.rows)

    @property
    def numbers(self) -> Counts:
        return self.running[self.reference.stack.ends - 2]

    @cached_property
    def differences(self) -> Floats:
        """The window's distribution function less the reference's, right of each cell."""
        per_row = self.reference.stack.spread(1.0 / self.rows)
        return self.running * per_row - self.reference.shares

    @cached_property
    def distances(self) -> Floats:
        """D of each column, in [0, 1]."""
        return self.reference.stack.largest(np.abs(self.differences))
