"""A batch of rows in the reference's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns
from sidelight_detectors.cells import CellIndex

NOTHING = Columns(())


@dataclass(frozen=True)
class Origin:
    """Where each row of a batch comes from.

    Parameters
    ----------
    exchange:
        Shape ``(n,)`` int64: equal for rows that came in one exchange, within this batch.
    time_ns:
        Shape ``(n,)`` int64: event time.
    headers:
        By name, shape ``(n,)``: texts of the headers that a part asks for; empty where not sent.
    """

    exchange: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    headers: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)

    def take(self, rows: Any) -> Origin:
        headers = {name: values[rows] for name, values in self.headers.items()}
        return Origin(self.exchange[rows], self.time_ns[rows], headers)


@dataclass(frozen=True, eq=False)
class Indexed:
    """Rows as cells, and their values for what cells cannot give.

    Parameters
    ----------
    cells:
        Shape ``(n, F)`` int32, one column of the grid after the other.
    values:
        Where the values of the watched columns stand: the rows `chosen` of these columns. An
        output that was not observed is missing.
    chosen:
        Which rows of `values` these are; None for all.
    origin:
        None when nothing is known of it (a reference, a file).
    asked:
        Where the rows stand as they were sent, before any column is encoded, with what else parts
        ask for (`contract.Asking`); `chosen` as for `values`.
    """

    cells: CellIndex
    values: Columns
    chosen: NDArray[np.intp] | None = None
    origin: Origin | None = None
    asked: Columns = NOTHING

    def __len__(self) -> int:
        return len(self.cells)

    def take(self, rows: NDArray[Any]) -> Indexed:
        """The given rows: an index array or a boolean mask."""
        places = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        chosen = places if self.chosen is None else self.chosen[places]
        origin = None if self.origin is None else self.origin.take(places)
        return Indexed(self.cells[places], self.values, chosen, origin, self.asked)

    @cached_property
    def columns(self) -> Columns:
        """The values of these rows; only who needs values pays for taking them."""
        return self.values if self.chosen is None else self.values.take(self.chosen)

    def column(self, name: str) -> Column | None:
        """One watched column, None when it was not observed."""
        column = self._by_name.get(name)
        return column if column is None or self.chosen is None else column.take(self.chosen)

    def sent(self, name: str) -> Column | None:
        """One column as it was sent, None when it was not."""
        column = self._asked_by_name.get(name)
        return column if column is None or self.chosen is None else column.take(self.chosen)

    @cached_property
    def _asked_by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.asked}

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.values}
