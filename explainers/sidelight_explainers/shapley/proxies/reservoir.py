"""A bounded sample of all rows that were bought."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Reservoir:
    """At most `most` rows with their outputs, of all that came any one as likely as any other
    (Vitter's algorithm R, ACM Transactions on Mathematical Software 1985). For one thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rng = np.random.default_rng(0)
        self._table: Floats = np.empty((0, 0))
        self._outputs: Floats = np.empty(0)
        self.seen = 0

    def add(self, table: Floats, outputs: Floats) -> None:
        """Rows (r, n) with outputs (r,)."""
        number = np.arange(self.seen, self.seen + len(table))
        places = np.where(number < self._most, number, self._rng.integers(0, number + 1))
        self._grow(min(self.seen + len(table), self._most), table.shape[1])
        kept = places < self._most
        self._table[places[kept]] = table[kept]
        self._outputs[places[kept]] = outputs[kept]
        self.seen += len(table)

    def content(self) -> tuple[Floats, Floats]:
        """A copy of the rows and their outputs."""
        return self._table.copy(), self._outputs.copy()

    def _grow(self, rows: int, width: int) -> None:
        more = rows - len(self._outputs)
        if more:
            self._table = np.concatenate([self._table.reshape(-1, width), np.empty((more, width))])
            self._outputs = np.concatenate([self._outputs, np.empty(more)])
