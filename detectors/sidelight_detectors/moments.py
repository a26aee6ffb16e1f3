"""Sums of numbers: what cells cannot give of a column's mean, width and values beyond its range.

A value is clipped to a range fixed by the reference, brought to [-1, 1] and its powers are added up
in fixed point: two of them, four where widths are measured; before them how far values lie beyond
the reference's smallest and largest one. Every value is rounded before it is added, so the sums do
not depend on cut or order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import NumericCells, numbers_of
from sidelight_detectors.contract import Observation, Packed, Part, Sums
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

NAME = "moments"

MEASURES = frozenset({"mean", "std", "wasserstein"})
"""What needs these sums."""

UNIT = 2.0**24
"""Values in [-1, 1] are added as whole numbers of 1/UNIT; 2^38 rows fit into a sum."""

BELOW, ABOVE, POWERS = 0, 1, 2
"""Where the sums of what lies beyond the range stand, and where those of powers begin."""

TAIL = 0.005
"""The clipping range is that between these quantiles, widened by its own width on both sides."""

_LIMIT = 2.0**1000
"""So that no range is infinite."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the numeric columns of a grid, ``(2 + powers, F)`` flat.

    Parameters
    ----------
    low, high:
        Shape ``(F,)``: the range values are clipped to, ``low < high``.
    smallest, largest:
        Shape ``(F,)``: of the reference, within that range.
    reference:
        Sums over the reference rows, of four powers (`of_reference`).
    powers:
        How many powers are added up: 2, or 4 for the bounds of a width.
    """

    names: tuple[str, ...]
    low: Floats
    high: Floats
    smallest: Floats
    largest: Floats
    reference: Sums
    powers: int

    @property
    def size(self) -> int:
        return (POWERS + self.powers) * len(self.names)

    @cached_property
    def centre(self) -> Floats:
        return self.low / 2 + self.high / 2

    @cached_property
    def half(self) -> Floats:
        """Half the range: the unit of the sums, in the column's own."""
        return self.high / 2 - self.low / 2

    def observe(self, rows: Indexed) -> Observation:
        values = np.full((len(self.names), len(rows)), np.nan)
        for line, column in zip(values, map(rows.column, self.names), strict=True):
            if column is not None:
                numbers, valid = numbers_of(column)
                line[:] = numbers if valid is None else np.where(valid, numbers, np.nan)
        return Observation(self.add(values))

    def add(self, values: Floats) -> Sums:
        """Sums over values of shape ``(F, n)``; NaN counts nowhere."""
        scaled = (np.clip(values, *self._range) - self.centre[:, None]) / self.half[:, None]
        absent = np.isnan(scaled)
        scaled[absent] = 0.0
        sums = np.empty((POWERS + self.powers, len(values)), np.int64)
        power = scaled
        for line in sums[POWERS:]:
            line[:] = _whole(power)
            power = power * scaled
        below, above = self._smallest[:, None] - scaled, scaled - self._largest[:, None]
        below[absent] = above[absent] = 0.0
        sums[BELOW], sums[ABOVE] = _whole(np.maximum(below, 0)), _whole(np.maximum(above, 0))
        return sums.ravel()

    def of_reference(self, rows: Indexed) -> Sums:
        """Of rows that others are compared with: all four powers, ``(6, F)`` flat."""
        return replace(self, powers=4).observe(rows).sums

    def compared_with(self, reference: Sums) -> Moments:
        """The same for other reference rows (a segment's): `reference` are their sums."""
        return replace(self, reference=reference)

    def pack(self) -> Packed:
        ranges = np.stack([self.low, self.high, self.smallest, self.largest])
        header = {"names": list(self.names), "powers": self.powers}
        return Packed(header, {"ranges": ranges, "sums": self.reference})

    @cached_property
    def _range(self) -> tuple[Floats, Floats]:
        return self.low[:, None], self.high[:, None]

    @cached_property
    def _smallest(self) -> Floats:
        return (self.smallest - self.centre) / self.half

    @cached_property
    def _largest(self) -> Floats:
        return (self.largest - self.centre) / self.half


def _whole(values: Floats) -> Sums:
    sums: Sums = np.rint(values * UNIT).sum(axis=1).astype(np.int64)
    return sums


def fit_moments(reference: Reference) -> Moments | None:
    """None when no measure needs them, or no column is numeric."""
    drift = reference.model.detectors.drift
    columns = reference.grid.columns
    names = tuple(column.name for column in columns if isinstance(column, NumericCells))
    if drift is None or not names or not MEASURES.intersection(drift.measures):
        return None
    found = [numbers_of(reference.rows.columns[name]) for name in names]
    ranges = np.array([_range_of(*one) for one in found]).T
    low, high, smallest, largest = ranges
    powers = 4 if "std" in drift.measures else 2
    empty = Moments(names, low, high, smallest, largest, np.empty(0, np.int64), powers)
    return empty.compared_with(empty.of_reference(reference.rows))


def _range_of(
    numbers: Floats, valid: NDArray[np.bool_] | None
) -> tuple[float, float, float, float]:
    """Clipping range, smallest and largest value."""
    present = numbers if valid is None else numbers[valid]
    ordered = np.sort(np.clip(present[~np.isnan(present)], -_LIMIT, _LIMIT))
    if not len(ordered):
        return -1.0, 1.0, 0.0, 0.0
    first = round(TAIL * (len(ordered) - 1))
    low, high = ordered[first], ordered[len(ordered) - 1 - first]
    if low == high:
        low, high = ordered[0], ordered[-1]
    width = high - low or max(abs(high), 1.0)
    low, high = low - width, high + width
    return low, high, max(ordered[0], low), min(ordered[-1], high)


def unpack_moments(packed: Packed, grid: Grid, features: int) -> Moments:
    """`KeyError`, `ValueError` or `TypeError` when the parts are not what `pack` gave."""
    names = tuple(map(str, packed.header["names"]))
    ranges, sums = packed.arrays["ranges"], packed.arrays["sums"]
    if ranges.dtype != np.float64 or ranges.shape != (4, len(names)):
        raise ValueError(f"ranges {ranges.dtype} {ranges.shape} of {len(names)} columns")
    low, high, smallest, largest = ranges
    if not (np.isfinite(ranges).all() and (low < high).all()):
        raise ValueError("a clipping range is empty")
    moments = Moments(names, low, high, smallest, largest, sums, int(packed.header["powers"]))
    whole = replace(moments, powers=4).size
    if sums.dtype != np.int64 or sums.shape != (whole,) or set(names) - set(grid.names):
        raise ValueError("sums of other columns")
    return moments


def moments_of(parts: Mapping[str, Part]) -> Moments | None:
    """Those among a reference's parts, if any."""
    part = parts.get(NAME)
    return part if isinstance(part, Moments) else None
