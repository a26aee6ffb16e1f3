"""What a measure looks at, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import Counts
from sidelight_detectors.contract import Sums
from sidelight_detectors.drift.chi_squared import Tables
from sidelight_detectors.drift.groups import Groups
from sidelight_detectors.drift.measures.values import Values
from sidelight_detectors.drift.numeric import NumericReference, NumericWindow
from sidelight_detectors.grid import Grid
from sidelight_detectors.moments import Moments

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Baseline:
    """The reference in the forms that measures need.

    `counts` is flat in the grid's cells; `numeric` holds the columns at `places`, whose cells are
    `cells`.
    """

    grid: Grid
    counts: Counts
    groups: Groups
    places: NDArray[np.int64]
    cells: NDArray[np.int64]
    numeric: NumericReference


@dataclass(frozen=True, eq=False)
class Known:
    """The reference's numbers: `values` in half clipping ranges, and the unit of measures in them.

    `places` are those of the numeric columns among all `columns`.
    """

    moments: Moments
    values: Values
    places: NDArray[np.int64]
    columns: int

    @cached_property
    def unit(self) -> Floats:
        """A standard deviation; of a constant column, one of its own unit."""
        return np.where(self.values.variance > 0, self.values.deviation, 1 / self.moments.half)

    def placed(self, measured: Measured) -> Measured:
        """What was measured of the numeric columns, among all columns."""
        return measured.at(self.places, self.columns)


@dataclass(frozen=True, eq=False)
class View:
    """A window in the same forms: `rows` by column (at least one), `sums` those of moments."""

    counts: Counts
    rows: Counts
    baseline: Baseline
    sums: Sums

    @cached_property
    def tables(self) -> Tables:
        groups = self.baseline.groups
        return Tables(groups.count(self.counts), groups.reference, groups.stack)

    @cached_property
    def numeric(self) -> NumericWindow:
        return NumericWindow(self.counts[self.baseline.cells], self.baseline.numeric)

    @cached_property
    def values(self) -> Values:
        return Values(self.sums, self.numeric.numbers)


@dataclass(frozen=True, eq=False)
class Measured:
    """``(F,)`` each; fields as in `contract.Measure`. NaN where a column has no such measure."""

    value: Floats
    effect: Floats
    low: Floats
    high: Floats
    error: Floats

    def at(self, places: NDArray[np.int64], columns: int) -> Measured:
        """The same, of these columns among all `columns`."""
        return Measured(*(_put(one, places, columns) for one in self._fields))

    def lines(self) -> list[tuple[float, ...]]:
        """Value, effect, low, high and error of each column."""
        return [*zip(*(one.tolist() for one in self._fields), strict=True)]

    @property
    def _fields(self) -> tuple[Floats, ...]:
        return self.value, self.effect, self.low, self.high, self.error


class Gauge(Protocol):
    """A measure fitted to a baseline; the judge asks it once a window."""

    def measure(self, view: View) -> Measured: ...


def _put(values: Floats, places: NDArray[np.int64], columns: int) -> Floats:
    whole = np.full(columns, np.nan)
    whole[places] = values
    return whole
