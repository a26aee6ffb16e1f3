"""Segments: rows apart by the value of one watched column, each with a reference of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.drift import DriftSettings
from sidelight.errors import ConfigError
from sidelight_detectors.cells import CategoricalCells, CellIndex, ColumnCells, Counts, NumericCells
from sidelight_detectors.contract import Sums
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.moments import Moments
from sidelight_detectors.packing import integers

POOLED = "(other)"
"""The segment of all rows that are in no other: rare, unknown, missing or not observed."""

BANDS = 4
"""Segments a numeric column makes: from quartile to quartile of the reference."""

MAX_NAME = 64
"""Characters of a segment's name; a longer category is pooled."""


@dataclass(frozen=True, eq=False)
class ReferenceCounts:
    """Reference rows, all or of one segment, as counts in the grid's cells.

    `grouping` counts those of them that decide which categories are pooled. `moments` are their
    sums of numbers (`sidelight_detectors.moments`), of no length where no measure needs them.
    """

    rows: int
    counts: Counts
    grouping: Counts
    moments: Sums = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(frozen=True, eq=False)
class Segments:
    """How rows fall into segments, and the reference of each.

    Parameters
    ----------
    column:
        The place in the grid of the column that decides.
    names:
        The segments; `POOLED` is the last.
    table:
        Shape ``(cells of the column + 1,)`` int64: the number of the segment of each cell; the last
        entry stands for a column that was not observed.
    references:
        One for each segment.
    """

    column: int
    names: tuple[str, ...]
    table: NDArray[np.int64]
    references: tuple[ReferenceCounts, ...]

    def of(self, cells: CellIndex) -> NDArray[np.int64]:
        """The number of the segment of each row, shape ``(n,)``."""
        return self.table[cells[:, self.column]]

    def with_moments(self, moments: Moments, rows: Indexed) -> Segments:
        """With the sums of each segment's rows among these, the reference's."""
        numbers = self.of(rows.cells)
        references = tuple(
            replace(one, moments=moments.of_reference(rows.take(numbers == number)))
            for number, one in enumerate(self.references)
        )
        return replace(self, references=references)

    def pack(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Header and arrays, for `unpack_segments`."""
        header = {"column": self.column, "names": list(self.names)}
        arrays = {
            "segments/table": self.table,
            "segments/rows": np.array([one.rows for one in self.references], np.int64),
            "segments/counts": np.concatenate([one.counts for one in self.references]),
            "segments/grouping": np.concatenate([one.grouping for one in self.references]),
            "segments/moments": np.concatenate([one.moments for one in self.references]),
        }
        return header, arrays


def unpack_segments(
    header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], grid: Grid, moments: int
) -> Segments:
    """`moments` is the length of such sums, 0 where there are none.

    `KeyError`, `ValueError` or `TypeError` when the parts are not what `pack` gave.
    """
    names, column = tuple(map(str, header["names"])), header["column"]
    table = integers(arrays["segments/table"], grid.columns[column].size + 1)
    if table.max() >= len(names):
        raise ValueError(f"segment {table.max()} of {len(names)}")
    rows = integers(arrays["segments/rows"], len(names))
    counts, grouping = (
        integers(arrays[f"segments/{name}"], len(names) * grid.size).reshape(len(names), -1)
        for name in ("counts", "grouping")
    )
    sums = arrays["segments/moments"]
    if sums.dtype != np.int64 or sums.shape != (len(names) * moments,):
        raise ValueError(f"moments {sums.dtype} {sums.shape} of {len(names)} segments")
    own = sums.reshape(len(names), moments)
    references = (
        ReferenceCounts(int(count), *both)
        for count, *both in zip(rows, counts, grouping, own, strict=True)
    )
    return Segments(column, names, table, tuple(references))


def fit_segments(
    grid: Grid, cells: CellIndex, grouping: NDArray[np.bool_], settings: DriftSettings
) -> Segments | None:
    """The segments of `settings.by`, None when it names no column.

    Parameters
    ----------
    cells:
        Shape ``(n, F)``: the reference.
    grouping:
        Shape ``(n,)``: which of its rows decide which categories are pooled.
    """
    if settings.by is None:
        return None
    if settings.by not in grid.names:
        raise ConfigError(
            f"detectors.drift.by: {settings.by!r} is no watched column; "
            f"there are {', '.join(grid.names)}"
        )
    place = grid.names.index(settings.by)
    cut = _cut(grid.columns[place], grid.split(grid.count(cells))[place])
    kept = _largest(cut, settings)
    table = np.full(grid.columns[place].size + 1, len(kept), np.int64)
    for number, (_, own, _) in enumerate(kept):
        table[own] = number
    chosen = table[cells[:, place]]
    references = (
        _reference(grid, cells, grouping, chosen == number) for number in range(len(kept) + 1)
    )
    return Segments(place, (*(name for name, _, _ in kept), POOLED), table, tuple(references))


Cut = tuple[str, NDArray[np.intp], int]
"""A segment's name, its cells, and its rows in the reference."""


def _largest(cut: list[Cut], settings: DriftSettings) -> list[Cut]:
    """Those that are large enough, at most so many, in their own order."""
    enough = [one for one in cut if one[2] >= settings.min_reference_rows]
    by_size = sorted(enough, key=lambda one: -one[2])[: settings.segments]
    return [one for one in enough if one in by_size]


def _reference(
    grid: Grid, cells: CellIndex, grouping: NDArray[np.bool_], own: NDArray[np.bool_]
) -> ReferenceCounts:
    counts = grid.count(cells[own])
    return ReferenceCounts(int(own.sum()), counts, grid.count(cells[own & grouping]))


def _cut(column: ColumnCells, counts: Counts) -> list[Cut]:
    if isinstance(column, NumericCells):
        return list(_bands(column, counts))
    if isinstance(column, CategoricalCells):
        return list(_categories(column, counts))
    raise ConfigError(f"detectors.drift.by: {column.name!r} is neither numeric nor categorical")


def _categories(column: CategoricalCells, counts: Counts) -> Iterator[Cut]:
    for cell, name in enumerate(column.categories):
        if name != POOLED and 0 < len(name) <= MAX_NAME:
            yield name, np.array([cell]), int(counts[cell])


def _bands(column: NumericCells, counts: Counts) -> Iterator[Cut]:
    """Quartiles of the reference, cut between cells; NaN and null are in none."""
    numbers = counts[: column.missing.start]
    middles = np.cumsum(numbers) - numbers / 2
    bands = np.minimum(BANDS * middles // max(numbers.sum(), 1), BANDS - 1)
    begins = np.flatnonzero(np.diff(bands, prepend=-1)).tolist()
    for begin, end in zip(begins, [*begins[1:], len(numbers)], strict=True):
        yield (
            f"{_lower(column, begin)}, {_upper(column, end)}",
            np.arange(begin, end),
            int(numbers[begin:end].sum()),
        )


def _lower(column: NumericCells, cell: int) -> str:
    """Odd cells are points, even ones the gaps before them."""
    if cell == 0:
        return "(-inf"
    return f"{'[' if cell % 2 else '('}{column.points[(cell - 1) // 2]:.6g}"


def _upper(column: NumericCells, cell: int) -> str:
    """The bound below `cell`, the first of the next band."""
    if cell >= column.missing.start:
        return "inf)"
    return f"{column.points[(cell - 1) // 2]:.6g}{')' if cell % 2 else ']'}"
