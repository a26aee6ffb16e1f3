"""A few rows of a pane or window, drawn by chance that is the same in every process.

Each row has a number made of where it stands; those with the smallest are drawn. So the draw of two
stretches together is the smallest of both draws, however the rows were cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DRAWN = 16
"""Rows of a draw at most."""


class Drawn(NamedTuple):
    """A row, where it stands, and its cells: `columns` int32, little-endian.

    `chance` orders rows by chance. `partition` is 0 until a pane says which.
    """

    chance: int
    partition: int
    offset: int
    row: int
    cells: bytes


Draw = tuple[Drawn, ...]
"""Ordered by chance."""


def chances(offsets: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A number for each row, as if drawn at random (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        mixed = offsets.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0xD1B54A32D192ED03)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def smallest(draws: Iterable[Draw]) -> Draw:
    """The draw of all these rows together."""
    return tuple(nsmallest(DRAWN, (row for draw in draws for row in draw)))


def drawn_at(places: Sequence[tuple[int, int]], cells: Iterable[bytes]) -> Draw:
    """The rows at these places, offset and row number, with the next of these cells."""
    if not places:
        return ()
    offsets, rows = np.array(places, np.int64).T
    own = islice(cells, len(places))
    found = zip(chances(offsets, rows).tolist(), places, own, strict=True)
    return tuple(sorted(Drawn(chance, 0, *place, line) for chance, place, line in found))


def packed_cells(draws: Iterable[Draw]) -> tuple[bytes, int]:
    """The cells of these rows, column after column, and the bytes of one cell."""
    rows = [np.frombuffer(row.cells, "<i4") for draw in draws for row in draw]
    if not rows:
        return b"", 2
    cells = np.stack(rows) + 1
    width = 2 if cells.max() < 1 << 16 else 4
    return cells.T.astype(f"<u{width}").tobytes(), width


def unpacked_cells(data: bytes, width: int, rows: int) -> list[bytes]:
    """Reads `packed_cells`; `ValueError` when it is not that of so many rows."""
    if not rows:
        return []
    if width not in (2, 4) or len(data) % (rows * width):
        raise ValueError(f"{len(data)} bytes are not the cells of {rows} rows")
    cells = np.frombuffer(data, f"<u{width}").reshape(-1, rows).T.astype(np.int64) - 1
    return [line.astype("<i4").tobytes() for line in cells]
