"""Large questions in parts, so that the rows of a picture are not all in memory at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.games.game import Game, Masks

PART_BYTES = 64 << 20
"""Rows of one question hold about this much at most."""
PACKED = 8
"""How many times smaller a picture's file is, about."""


def rows_a_part(row: Columns) -> int:
    """How many rows like this one make a part; a text's or a table's row counts as small."""
    return max(PART_BYTES // max(sum(_size(column) for column in row), 512), 1)


def _size(column: Column) -> int:
    """Bytes of a column's rows; a picture's file counts as much as what it is made of."""
    if column.values.dtype.kind != "O":
        return column.values.nbytes
    return PACKED * sum(map(len, column.values.flat))


def parts(rows: int, a_part: int) -> Iterator[slice]:
    """All of them, so many at a time."""
    return (slice(start, start + a_part) for start in range(0, rows, a_part))


def ask_in_parts(
    game: Game, inquiry: Inquiry, masks: Masks, background: NDArray[np.intp]
) -> Columns:
    """The answers for those coalitions; raises what `inquiry.ask` raises."""
    a_part = rows_a_part(game.explained())
    told = [
        inquiry.ask(game.rows(masks[part], background[part])) for part in parts(len(masks), a_part)
    ]
    return Columns.concatenate(told) if told else inquiry.ask(game.explained().take(slice(0)))
