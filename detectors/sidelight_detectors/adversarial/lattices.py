"""Places by random projections: what is close in Euclidean distance mostly falls into one cell.

A table takes `terms` projections on random signs, each cut into steps of one width from a random
offset (Datar et al., "Locality-sensitive hashing scheme based on p-stable distributions", SoCG
2004, equation 1; signs: Achlioptas, JCSS 2003). Two rows at distance d share a place with a chance
of about ``(1 - 0.8 d / width) ** terms`` where d is far below the width, and hardly ever above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.codes import summed
from sidelight_detectors.adversarial.hashing import place_of
from sidelight_detectors.adversarial.pooling import Units


@dataclass(frozen=True)
class Lattice:
    """Some tables of one width over rows of `size` whole numbers."""

    size: int
    tables: int
    terms: int
    width: int
    seed: int

    def places(self, rows: Units) -> NDArray[np.uint16]:
        """Shape ``(n, tables)``, of rows ``(n, size)``."""
        signs, offsets = self._drawn
        cells = np.floor((rows @ signs + offsets) / self.width)
        return place_of(summed(cells.reshape(len(rows), self.tables, self.terms), self.seed))

    @cached_property
    def _drawn(self) -> tuple[Units, Units]:
        random = np.random.RandomState(self.seed)
        count = self.tables * self.terms
        signs = 2.0 * random.randint(0, 2, (self.size, count)).astype(np.float64) - 1.0
        return signs, random.randint(0, self.width, count).astype(np.float64)


WIDTHS: Sequence[tuple[float, int, int]] = ((2.0, 10, 6), (1.0, 6, 6), (0.25, 3, 4))
"""Widths in distances of nearest neighbours, with the terms and the tables of each.

Pairs of ordinary digits share a place once in 5,000 to 10,000 times; wide cells keep the steps of
Square and small turns together, fine ones tell the last steps of a search among many neighbours."""


def lattices(size: int, neighbour: int) -> tuple[Lattice, ...]:
    """For rows of `size` numbers whose nearest neighbours are so far away."""
    return tuple(
        Lattice(size, tables, terms, max(1, round(share * neighbour)), seed)
        for seed, (share, terms, tables) in enumerate(WIDTHS, start=11)
    )


def neighbour_distance(rows: Units) -> int:
    """The median distance of a row to its nearest other one; 0 when all are equal."""
    lengths = np.square(rows).sum(axis=1)
    squares = lengths[:, None] + lengths - 2 * rows @ rows.T
    squares[squares <= 0] = np.inf
    nearest = squares.min(axis=1)
    there = nearest[np.isfinite(nearest)]
    return round(float(np.sqrt(np.median(there)))) if len(there) else 0
