"""How far rows are from one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns

Floats = NDArray[np.float64]

AT_ONCE = 256
"""Rows compared with all others at one time, for memory's sake."""


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
        return np.stack([one[:, 0] for one in self._gaps(row)], axis=1)

    def offsets(self, row: Columns) -> Floats:
        """What each reference row's numbers are above the row's, in spreads (m, n); NaN for
        features without order, and where either is null."""
        every = zip(self.reference, row, self.spreads, strict=True)
        return np.stack([_above(known, one, spread)[:, 0] for known, one, spread in every], axis=1)

    def nearest(self, row: Columns) -> float:
        """From one row to the nearest of the reference."""
        return float(self.parts(row).sum(axis=1).min())

    def neighbours(self) -> Floats:
        """From each row of the reference to the nearest other (m,); zero where there is none."""
        size = len(self.reference)
        if size < 2:
            return np.zeros(size)
        starts = range(0, size, AT_ONCE)
        return np.concatenate([self._nearest_others(start) for start in starts])

    def _nearest_others(self, start: int) -> Floats:
        some = self.reference.take(slice(start, start + AT_ONCE))
        distances = np.zeros((len(self.reference), len(some)))
        for one in self._gaps(some):
            distances += one
        at = np.arange(len(some))
        distances[start + at, at] = np.inf
        return np.asarray(distances.min(axis=0))

    def _gaps(self, rows: Columns) -> Iterator[Floats]:
        """From some rows (k,) to those of the reference, one feature after the other (m, k)."""
        every = zip(self.reference, rows, self.spreads, strict=True)
        return (_apart(known, some, spread) for known, some, spread in every)


def _spread(column: Column) -> float:
    values = _numbers(column)
    known = values[np.isfinite(values)]
    spread = float(np.abs(known - np.median(known)).mean()) if len(known) else 0.0
    return spread or 1.0


def _apart(known: Column, some: Column, spread: float) -> Floats:
    there, here = known.known()[:, None], some.known()
    either = there != here
    if np.isnan(spread):
        differs = np.asarray(known.values[:, None] != some.values)
        return np.where(there & here, differs, either).astype(np.float64)
    gaps = np.abs(_above(known, some, spread))
    return np.where(np.isnan(gaps), either, gaps)


def _above(known: Column, some: Column, spread: float) -> Floats:
    if np.isnan(spread):
        return np.full((len(known), len(some)), np.nan)
    return np.asarray((_numbers(known)[:, None] - _numbers(some)) / spread)


def _numbers(column: Column) -> Floats:
    """As floats, NaN for a null."""
    values = column.values.view(np.int64) if column.kind == "time" else column.values
    return np.where(column.known(), values.astype(np.float64), np.nan)
