"""How far rows are from one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Metric:
    """Distances to the rows of a reference, feature by feature.

    A number's (or time's) distance is in units of its `spreads` (n,), the mean absolute deviation
    from the median in the reference; it is 1 between different categories, and between a null and
    anything else. A spread of NaN marks features without order.
    """

    reference: Columns
    spreads: Floats

    @classmethod
    def of(cls, reference: Columns, ordered: frozenset[str]) -> Metric:
        spreads = [_spread(one) if one.name in ordered else np.nan for one in reference]
        return cls(reference, np.array(spreads))

    def parts(self, row: Columns) -> Floats:
        """From one row to each of the reference, by feature (m, n)."""
        every = zip(self.reference, row, self.spreads, strict=True)
        return np.stack([_apart(known, one, spread) for known, one, spread in every], axis=1)

    def offsets(self, row: Columns) -> Floats:
        """What each reference row's numbers are above the row's, in spreads (m, n); NaN for
        features without order, and where either is null."""
        every = zip(self.reference, row, self.spreads, strict=True)
        return np.stack([_above(known, one, spread) for known, one, spread in every], axis=1)

    def nearest(self, row: Columns) -> float:
        """To the nearest row of the reference."""
        return float(self.parts(row).sum(axis=1).min())

    def neighbours(self) -> Floats:
        """From each row of the reference to the nearest other (m,); zero where there is none."""
        size = len(self.reference)
        if size < 2:
            return np.zeros(size)
        return np.array([self._nearest_other(at) for at in range(size)])

    def _nearest_other(self, at: int) -> float:
        distances = self.parts(self.reference.take([at])).sum(axis=1)
        return float(np.delete(distances, at).min())


def _spread(column: Column) -> float:
    values = _numbers(column)
    known = values[np.isfinite(values)]
    spread = float(np.abs(known - np.median(known)).mean()) if len(known) else 0.0
    return spread or 1.0


def _apart(known: Column, one: Column, spread: float) -> Floats:
    if np.isnan(spread):
        here, there = _null(known), bool(_null(one)[0])
        differs = np.asarray(known.values != one.values[0])
        return np.where(here | there, here != there, differs).astype(np.float64)
    gaps = np.abs(_above(known, one, spread))
    return np.where(np.isnan(gaps), _null(known) != _null(one), gaps)


def _above(known: Column, one: Column, spread: float) -> Floats:
    if np.isnan(spread):
        return np.full(len(known), np.nan)
    return np.asarray((_numbers(known) - _numbers(one)) / spread)


def _numbers(column: Column) -> Floats:
    """As floats, NaN for a null."""
    values = column.values.view(np.int64) if column.kind == "time" else column.values
    return np.where(_null(column), np.nan, values.astype(np.float64))


def _null(column: Column) -> NDArray[np.bool_]:
    null = np.asarray(column.values != column.values)
    return null if column.valid is None else null | ~column.valid
