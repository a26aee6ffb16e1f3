"""Rows that hold what the reference never held, column by column and by name.

It stands beside the outlier methods because those that rank by tails saturate at the range: beyond
it ECOD gives a value ten times as large the same score. And a violation needs no p-value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.schema import SchemaSettings
from sidelight.config.settings import ModelSettings
from sidelight.tensors import Column
from sidelight_detectors.cells import (
    CategoricalCells,
    ColumnCells,
    Counts,
    NumericCells,
    numbers_of,
)
from sidelight_detectors.conformal import Conformal
from sidelight_detectors.contract import Observation, Packed, RowScores
from sidelight_detectors.grid import Grid
from sidelight_detectors.guarantee import Guarantee
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.design import numbers_with_nan
from sidelight_detectors.packing import integers

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

KINDS = ("below", "above", "unseen", "null", "nan", "infinite", "fraction")
"""Below or above the range, the declared one or the reference's; a category never seen; null, NaN
or an infinity where the reference has none; a fraction where it has whole numbers only."""

BELOW, ABOVE, UNSEEN, NULL, NAN, INFINITE, FRACTION = range(1, 8)

Ranges = Mapping[str, tuple[float | None, float | None]]
"""A smallest and a largest number by column; None where there is none."""

Violations = NDArray[np.uint8]
"""Shape ``(n, columns)``: 0, or 1 + the place of the violation in `KINDS`."""


@dataclass(frozen=True, eq=False)
class SchemaDetector:
    """What each column may hold.

    Sees: values beyond the range, unknown categories, missing values and infinities where there
    were none, fractions among whole numbers. Misses: everything that is possible.

    Parameters
    ----------
    counts:
        Flat counts of the reference, ``(cells,)``.
    alone:
        How many columns of a reference row violate the schema of all others, ascending, ``(n,)``.
    whole:
        Which columns are numbers without a fraction in the reference, ``(columns,)``.
    margin:
        Share of the reference's range that a number may lie beyond it.
    declared:
        Smallest and largest number allowed, by column; None where the reference's range tells.
    """

    grid: Grid
    counts: Counts
    alone: NDArray[np.int64]
    whole: NDArray[np.bool_]
    margin: float
    declared: Ranges

    @property
    def size(self) -> int:
        """Rows flagged, then rows by kind and column."""
        return 1 + len(KINDS) * len(self.grid.columns)

    @property
    def method(self) -> str:
        return "schema"

    @property
    def rate_bound(self) -> None:
        """None is known: the range is fitted on the very rows that tell its rate."""

    @property
    def expected_rate(self) -> float:
        """The share of rows like the reference's that are flagged, averaged over references.

        Of n + 1 such rows each is as likely as another to be the one that the others' schema does
        not allow; so it is estimated by the reference rows of which that is true. With a margin
        fewer are flagged.
        """
        return float((np.count_nonzero(self.alone) + 1) / (len(self.alone) + 1))

    @property
    def guarantee(self) -> Guarantee:
        return Guarantee(self.expected_rate, self.rate_bound, None, len(self.alone))

    def observe(self, rows: Indexed) -> Observation:
        found = self.violations(rows)
        columns = found.shape[1]
        places = found.astype(np.int64) * columns + np.arange(columns)
        counts = np.bincount(places.ravel(), minlength=columns * (1 + len(KINDS)))[columns:]
        scores = self._scores(found)
        sums = np.concatenate([[np.count_nonzero(scores.flagged)], counts]).astype(np.int64)
        return Observation(sums, scores)

    def pack(self) -> Packed:
        arrays = {"counts": self.counts, "alone": self.alone, "whole": self.whole}
        declared = {name: list(ends) for name, ends in self.declared.items()}
        return Packed({"margin": self.margin, "declared": declared}, arrays)

    def violations(self, rows: Indexed) -> Violations:
        """What is wrong with each value."""
        found = self._by_cell.take(self.grid.places(rows.cells))
        outside = ((found == BELOW) | (found == ABOVE)).any(axis=0)
        for place in np.flatnonzero(outside | self.whole | self._is_declared):
            column = rows.column(self.grid.names[place])
            if column is not None:
                self._look(found[:, place], int(place), numbers_with_nan(column))
        return found

    def counted(self, sums: NDArray[np.int64]) -> dict[tuple[str, str], int]:
        """Rows by column and kind out of this part's sums, where there are any."""
        table = sums[1:].reshape(len(KINDS), -1)
        return {
            (self.grid.names[column], KINDS[kind]): int(table[kind, column])
            for kind, column in np.argwhere(table)
        }

    @cached_property
    def _is_declared(self) -> NDArray[np.bool_]:
        """Shape ``(columns,)``."""
        return np.array([name in self.declared for name in self.grid.names], bool)

    @cached_property
    def _by_cell(self) -> Violations:
        """Shape ``(cells + 1,)``; the last is of a column that was not observed and is 0."""
        found = np.zeros(self.grid.size + 1, np.uint8)
        for begin, column in zip(self.grid.starts, self.grid.columns, strict=False):
            for cell, kind in _never_held(column):
                if not self.counts[begin + cell]:
                    found[begin + cell] = kind
        return found

    def _look(self, found: NDArray[np.uint8], place: int, values: NDArray[np.float64]) -> None:
        """Corrects a column's violations where its cells do not tell all."""
        outside = (found == BELOW) | (found == ABOVE)
        ends = self.declared.get(self.grid.names[place], (None, None))
        low, high = _range(self.grid.columns[place], self.margin, ends)
        found[outside & (values >= low) & (values <= high)] = 0
        found[_outside(values, ends) < 0] = BELOW
        found[_outside(values, ends) > 0] = ABOVE
        outside = (found == BELOW) | (found == ABOVE)
        found[outside & np.isinf(values)] = INFINITE
        if self.whole[place]:
            found[(found == 0) & np.isfinite(values) & (values != np.trunc(values))] = FRACTION

    def _scores(self, found: Violations) -> RowScores:
        parts = (found > 0).astype(np.float64)
        scores = parts.sum(axis=1)
        flagged = scores > 0
        p_values = Conformal(self.alone).p_values(scores.astype(np.int64))
        reasons = {int(row): self._named(found[row]) for row in np.flatnonzero(flagged)}
        return RowScores(scores, p_values, parts, flagged, reasons)

    def _named(self, found: NDArray[np.uint8]) -> tuple[str, ...]:
        places = np.flatnonzero(found)
        return tuple(f"{self.grid.names[place]}: {KINDS[found[place] - 1]}" for place in places)


def _never_held(column: ColumnCells) -> Iterator[tuple[int, int]]:
    """The cells that are a violation when the reference has no row in them."""
    if isinstance(column, NumericCells):
        yield from ((0, BELOW), (2 * len(column.points), ABOVE))
        yield from ((column.missing.start, NAN), (column.missing.start + 1, NULL))
    elif isinstance(column, CategoricalCells):
        yield from ((column.other, UNSEEN), (column.null, NULL))


def _range(
    column: ColumnCells, margin: float, declared: tuple[float | None, float | None]
) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    if isinstance(column, NumericCells) and len(column.points):
        low, high = column.points[[0, -1]].tolist()
        slack = margin * (high - low) if margin else 0.0
        low, high = low - slack, high + slack
    least, most = declared
    return low if least is None else least, high if most is None else most


def _outside(
    values: NDArray[np.float64], declared: tuple[float | None, float | None]
) -> NDArray[np.int8]:
    """-1 below the declared range, 1 above it."""
    least, most = declared
    found = np.zeros(len(values), np.int8)
    if least is not None:
        found[values < least] = -1
    if most is not None:
        found[values > most] = 1
    return found


def _alone(grid: Grid, counts: Counts, rows: Indexed, declared: Ranges) -> NDArray[np.int64]:
    """Columns of each row that the schema of all others would not allow, ascending.

    The row holds the only smallest or largest value where no range is declared, a value outside
    of the declared one, or the only null, NaN or one of its category.
    """
    matters = np.zeros(grid.size + 1, bool)
    for begin, column in zip(grid.starts, grid.columns, strict=False):
        if isinstance(column, NumericCells):
            ends = [*range(*column.missing.indices(1 << 62))]
            low, high = declared.get(column.name, (None, None))
            if low is None:
                ends.append(1)
            if high is None:
                ends.append(max(1, 2 * len(column.points) - 1))
            matters[begin + np.array(ends)] = True
        else:
            matters[begin : begin + column.size] = True
    matters[:-1] &= counts == 1
    alone = matters.take(grid.places(rows.cells)).sum(axis=1)
    for name, ends_of in declared.items():
        column_of = rows.column(name)
        if column_of is not None:
            alone += _outside(numbers_with_nan(column_of), ends_of) != 0
    return np.sort(alone)


def _is_whole(column: Column | None) -> bool:
    if column is None or column.kind not in ("number", "boolean"):
        return False
    values, valid = numbers_of(column)
    present = values[np.isfinite(values) if valid is None else np.isfinite(values) & valid]
    return len(present) > 0 and bool((present == np.trunc(present)).all())


def fit_schema(reference: Reference) -> SchemaDetector | None:
    """All reference rows are allowed, save for what lies outside of a declared range."""
    settings = reference.model.detectors.schema
    if not isinstance(settings, SchemaSettings):
        return None
    grid, rows = reference.grid, reference.rows
    counts = grid.count(rows.cells)
    whole = [
        isinstance(column, NumericCells) and _is_whole(rows.column(column.name))
        for column in grid.columns
    ]
    declared = declared_ranges(reference.model)
    alone = _alone(grid, counts, rows, declared)
    return SchemaDetector(grid, counts, alone, np.array(whole, bool), settings.margin, declared)


def declared_ranges(model: ModelSettings) -> Ranges:
    """The `min` and `max` of its columns."""
    columns = {**model.features, **model.outputs}
    ranges = {name: (column.min, column.max) for name, column in columns.items()}
    return {name: ends for name, ends in ranges.items() if ends != (None, None)}


def unpack_schema(packed: Packed, grid: Grid, features: int) -> SchemaDetector:
    counts = integers(packed.arrays["counts"], grid.size)
    alone = integers(packed.arrays["alone"], None)
    whole = packed.arrays["whole"].astype(bool).reshape(len(grid.columns))
    declared = {name: (low, high) for name, (low, high) in packed.header["declared"].items()}
    return SchemaDetector(grid, counts, alone, whole, float(packed.header["margin"]), declared)
