"""Rows that resemble each other as one: a block counts once, spread over the cells of its rows.

A row of a block with r rows weighs 1/r. A block is then a number in [0, 1] for each cut, and sums
over blocks are as additive as counts of rows are. Blocks are what must be exchangeable.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.drift import AlarmSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight.tensors import Column, Columns
from sidelight_detectors.alarms.cuts import Cuts, cuts_of
from sidelight_detectors.cells import elements_of
from sidelight_detectors.contract import Observation, Packed, Sums
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.texts import texts_of

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

BLOCKS = "blocks"
"""The name of their sums."""

UNIT = 1 << 32
"""A block is so many parts; a row of it that many over its rows, rounded down."""

WIDEST = 0.25
"""A reference whose blocks bound its shares no closer than this is not enough."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of a reference, and those of a batch of rows.

    Parameters
    ----------
    block:
        ``request`` or ``day``. The blocks of a batch are its exchanges; days are counted later,
        from rows (`sidelight_detectors.alarms.units`), and add no sums here.
    count:
        Shape ``(F,)``: blocks of the reference in which each column was observed.
    sums:
        Shape ``(C,)``: the parts of them in each cut, in units of 1 / UNIT.
    """

    block: str
    grid: Grid
    cuts: Cuts
    count: NDArray[np.int64]
    sums: NDArray[np.int64]

    @property
    def size(self) -> int:
        return len(self.count) + len(self.sums) if self.block == "request" else 0

    def observe(self, rows: Indexed) -> Observation:
        if not self.size or rows.origin is None or not len(rows):
            return Observation(np.zeros(self.size, np.int64))
        count, sums = summed(self.grid, self.cuts, rows, rows.origin.exchange)
        return Observation(np.concatenate([count, sums]))

    def pack(self) -> Packed:
        table = np.stack([self.cuts.column, self.cuts.first, self.cuts.end, self.cuts.sort])
        arrays = {"cuts": table, "count": self.count, "sums": self.sums}
        return Packed({"block": self.block}, arrays)


def summed(grid: Grid, cuts: Cuts, rows: Indexed, ids: NDArray[np.int64]) -> tuple[Sums, Sums]:
    """Blocks in which each column was observed, ``(F,)``, and their parts in each cut, ``(C,)``.

    `ids` (n,) are equal for rows of one block.
    """
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.diff(ids[order], prepend=ids[order[0]] - 1))
    cells = rows.cells[order]
    observed = np.add.reduceat(cells >= 0, starts, axis=0, dtype=np.int64)
    sizes = np.diff(np.append(starts, len(ids)))
    weights = np.repeat(UNIT // np.maximum(observed, 1), sizes, axis=0)
    # Whole numbers far below 2**53: the sums of floats are exact.
    places = grid.places(cells).ravel()
    parts = np.bincount(places, weights.ravel(), grid.size + 1)[:-1].astype(np.int64)
    return (observed > 0).sum(axis=0), cuts.count(parts)[0]


def fit_blocks(reference: Reference) -> Blocks | None:
    """The blocks of a reference, None where every row is one.

    Raises
    ------
    ConfigError
        The column that names them is not in the reference.
    NotEnoughData
        There are too few to say anything with them.
    """
    drift = reference.model.detectors.drift
    if drift is None or drift.alarm.block == "row" or drift.alarm.rule != "sequential":
        return None
    ids = _ids(reference.table, drift.alarm)
    columns = len(reference.grid.names)
    least = least_blocks(drift.alarm.false_alarms / 2 / columns)
    if (found := len(np.unique(ids))) < least:
        raise NotEnoughData(
            f"the reference has {found} blocks of {drift.alarm.block_by!r}; alarms by "
            f"{drift.alarm.block} need at least {least} for {columns} columns"
        )
    cuts = cuts_of(reference.grid, reference.grid.count(reference.rows.cells))
    count, sums = summed(reference.grid, cuts, reference.rows, ids)
    return Blocks(drift.alarm.block, reference.grid, cuts, count, sums)


def unpack_blocks(packed: Packed, grid: Grid, features: int) -> Blocks:
    """`KeyError`, `ValueError` or `TypeError` when it is not what `pack` gave."""
    table = np.asarray(packed.arrays["cuts"], np.int64).reshape(4, -1)
    if table[1:3].min() < 0 or table[2].max() > grid.size or table[0].max() >= len(grid.names):
        raise ValueError("cuts beyond the cells")
    count, sums = (np.asarray(packed.arrays[name], np.int64) for name in ("count", "sums"))
    if count.shape != (len(grid.names),) or sums.shape != table[0].shape:
        raise ValueError(f"{len(sums)} sums for {table.shape[1]} cuts")
    cuts = Cuts(grid.names, grid.starts, *table)
    return Blocks(str(packed.header["block"]), grid, cuts, count, sums)


def least_blocks(level: float) -> int:
    """Blocks that bound all shares of a column within `WIDEST`, but for a chance of `level`."""
    blocks = 20
    while _width(blocks, level) > WIDEST:
        blocks += 1
    return blocks


def _width(blocks: int, level: float) -> float:
    steps = ceil(sqrt(blocks))
    return sqrt(log(2 * steps / level) / (2 * blocks)) + 1 / steps


def _ids(table: Columns, alarm: AlarmSettings) -> NDArray[np.int64]:
    name = alarm.block_by or ""
    if name not in table:
        raise ConfigError(
            f"detectors.drift.alarm.block_by: the reference has no column {name!r}; "
            f"name the one that tells the {alarm.block} of each row"
        )
    ids: NDArray[np.int64] = np.unique(_named(table[name]), return_inverse=True)[1]
    return ids.astype(np.int64)


def _named(column: Column) -> NDArray[np.str_]:
    values, valid = elements_of(column)
    names = np.array([str(text) for text in texts_of(values)])
    return names if valid is None else np.where(valid, names, "")
