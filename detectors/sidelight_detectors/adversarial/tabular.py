"""Fingerprints of tabular rows: some features each table, their numbers cut at shifted quantiles.

Queries that search around a row leave most features as they are and move others a little. A table
looks at all features or at a random part of them, so that it does not see what the search changes;
and it cuts numbers at a few or at many quantiles of the reference, shifted at random, so that small
steps seldom cross a cut. Where the reference holds whole numbers or other single values only, some
tables also tell what lies between these: a search by steps of its own goes there, people do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.codes import identities
from sidelight_detectors.adversarial.contract import Prints
from sidelight_detectors.adversarial.hashing import Hashes, mixed, place_of, words
from sidelight_detectors.cells import NumericCells, numbers_of
from sidelight_detectors.contract import Packed
from sidelight_detectors.indexed import Indexed

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

TABLES = 16

SHARES = (1.0, 0.75, 0.5, 0.25)
"""Of the features that a table looks at, table by table."""

CUTS = (3, 6, 12, 24)
"""Pieces that numbers are cut into, four tables with each."""

FEWEST, MOST = 3, 24
"""Features that a table looks at, if there are as many."""

OFF_THE_POINTS = 0.001
"""Of the reference's values: where no more lie between the points, doing so is telling."""


@dataclass(frozen=True, eq=False)
class Tabular:
    """Numeric and categorical features.

    Parameters
    ----------
    features, numeric:
        Names, and places in the grid, of the features; which of them are numbers.
    codes:
        By feature ``(tables, cells)`` uint8: in which piece each of its cells lies, 0 where the
        table does not look.
    """

    names: tuple[str, ...]
    columns: tuple[int, ...]
    numeric: tuple[bool, ...]
    codes: tuple[NDArray[np.uint16], ...]

    @property
    def modality(self) -> str:
        return "tabular"

    @property
    def tables(self) -> int:
        return TABLES

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()

    def prints(self, rows: Indexed) -> Prints:
        places = np.zeros((TABLES, len(rows)), np.uint64)
        values = np.zeros((len(rows), len(self.columns)), "<u8")
        for number, column in enumerate(self.columns):
            cells = rows.cells[:, column]
            for table, own in self._words[number]:
                places[table] ^= own[cells]
            values[:, number] = self._values(rows, number, cells)
        return Prints(identities(row.tobytes() for row in values), place_of(places).T)

    def _values(self, rows: Indexed, number: int, cells: NDArray[np.int32]) -> Hashes:
        """What tells one value from another: the number itself, of other values their cell."""
        column = rows.column(self.names[number]) if self.numeric[number] else None
        if column is None:
            return cells.astype(np.int64).view(np.uint64)
        values, valid = numbers_of(column)
        known = np.where(np.isnan(values), np.nan, values) + 0.0
        if valid is not None:
            known = np.where(valid, known, np.inf)
        return np.ascontiguousarray(known, np.float64).view(np.uint64)

    @cached_property
    def _words(self) -> list[list[tuple[int, Hashes]]]:
        """By feature: each table that looks at it, with a word for each cell; the last is for
        values that were not observed."""
        return [
            [(table, _worded(number, table, own)) for table, own in enumerate(codes) if own.any()]
            for number, codes in enumerate(self.codes)
        ]

    def pack(self) -> Packed:
        header = {"names": self.names, "columns": self.columns, "numeric": self.numeric}
        arrays = {f"codes{number}": codes for number, codes in enumerate(self.codes)}
        return Packed(header, arrays)


def _worded(number: int, table: int, codes: NDArray[np.uint16]) -> Hashes:
    own = words(number * TABLES + table, 1)
    return np.append(mixed(codes.astype(np.uint64) * np.uint64(2) + own), mixed(own))


def fit_tabular(reference: Reference) -> Tabular:
    """From the cells that the reference's rows lie in."""
    kinds = {name: feature.kind for name, feature in reference.model.features.items()}
    names = reference.grid.names[: reference.features]
    plain = [at for at, name in enumerate(names) if kinds.get(name) in ("numeric", "categorical")]
    random = np.random.RandomState(0)
    looked = np.array([_looked(table, len(plain), random) for table in range(TABLES)])
    counts = reference.grid.split(reference.grid.count(reference.rows.cells))
    is_number = [isinstance(reference.grid.columns[at], NumericCells) for at in plain]
    codes = []
    for number, at in enumerate(plain):
        shifts = random.random_sample(TABLES)
        pieces = _pieces(counts[at], shifts) if is_number[number] else _each(len(counts[at]))
        codes.append((pieces * looked[:, [number]]).astype(np.uint16))
    return Tabular(tuple(names[at] for at in plain), tuple(plain), tuple(is_number), tuple(codes))


def _looked(table: int, features: int, random: np.random.RandomState) -> NDArray[np.bool_]:
    """Which features a table looks at."""
    asked = round(SHARES[table % len(SHARES)] * features)
    count = min(max(asked, FEWEST), MOST, features)
    return np.isin(np.arange(features), random.permutation(features)[:count])


def _each(cells: int) -> NDArray[np.int64]:
    """Every category for itself."""
    return np.tile(np.arange(1, cells + 1), (TABLES, 1))


def _pieces(counts: NDArray[np.int64], shifts: NDArray[np.float64]) -> NDArray[np.int64]:
    """The piece of each cell of a number line, ``(tables, cells)``, from 1."""
    line, missing = counts[:-2], np.arange(2)
    total = max(1, int(line.sum()))
    middle = (np.cumsum(line) - line / 2) / total
    gaps = np.arange(len(line)) % 2 == 0
    is_telling = line[gaps].sum() <= OFF_THE_POINTS * total
    found = []
    for table, shift in enumerate(shifts.tolist()):
        cuts = CUTS[table // len(SHARES)]
        own = np.floor(middle * cuts + shift).astype(np.int64)
        if is_telling and table % 2:
            own = own + (cuts + 1) * gaps
        found.append(np.append(own, 2 * cuts + 2 + missing) + 1)
    return np.stack(found)


def unpack_tabular(packed: Packed) -> Tabular:
    header = packed.header
    codes = tuple(packed.arrays[f"codes{number}"] for number in range(len(header["names"])))
    columns, numeric = (tuple(header[name]) for name in ("columns", "numeric"))
    if any(len(own) != TABLES for own in codes) or len(columns) != len(codes):
        raise ValueError(f"codes of other than {TABLES} tables or {len(codes)} features")
    return Tabular(tuple(header["names"]), columns, numeric, codes)
