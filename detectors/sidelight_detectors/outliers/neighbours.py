"""How far the nearest of some reference points are.

Sridhar Ramaswamy, Rajeev Rastogi, Kyuseok Shim: "Efficient Algorithms for Mining Outliers from
Large Data Sets", SIGMOD 2000. Why a sample of the reference is enough, and often better: Mahito
Sugiyama, Karsten Borgwardt: "Rapid Distance-Based Outlier Detection via Sampling", NIPS 2013.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.split import held_out

Points = NDArray[np.float64]

MOST_POINTS = 1024
"""Reference rows that are kept to compare with."""

ROWS_AT_ONCE = 256
"""Rows whose distances to all points are held at once."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The points ``(m, d)`` to compare with; a row's score is its distance to the k-th nearest."""

    among: Points
    k: int

    def scores(self, points: Points) -> NDArray[np.float64]:
        """Euclidean distances to the k-th nearest, ``(n,)``."""
        squared = self._squares(points, self.k).sum(axis=2)
        return np.asarray(np.sqrt(squared.max(axis=1, initial=0.0)))

    def shares(self, points: Points) -> NDArray[np.float64]:
        """Each coordinate's squared differences to the k nearest, ``(n, d)``."""
        return np.asarray(self._squares(points, self.k).sum(axis=1))

    def left_out(self) -> NDArray[np.float64]:
        """The score of each of the points among the others, ``(m,)``."""
        squared = self._squares(self.among, self.k + 1).sum(axis=2)
        return np.asarray(np.sqrt(squared.max(axis=1, initial=0.0)))

    def pack(self) -> dict[str, NDArray[Any]]:
        return {"among": self.among, "k": np.array([self.k], np.int64)}

    @classmethod
    def unpack(cls, arrays: Mapping[str, NDArray[Any]]) -> Neighbours:
        return cls(arrays["among"], int(arrays["k"][0]))

    @cached_property
    def _lines(self) -> tuple[Points, NDArray[np.float64]]:
        return np.ascontiguousarray(self.among.T), (self.among**2).sum(axis=1) / 2

    def _squares(self, points: Points, count: int) -> NDArray[np.float64]:
        """Squared differences to the nearest by coordinate, ``(n, count, d)``."""
        # The matrix product only chooses: what it rounds away is in no distance.
        return np.asarray((points[:, None] - self.among[self._nearest(points, count)]) ** 2)

    def _nearest(self, points: Points, count: int) -> NDArray[np.intp]:
        count = min(count, len(self.among))
        across, half_norms = self._lines
        found = np.empty((len(points), count), np.intp)
        for begin in range(0, len(points), ROWS_AT_ONCE):
            block = slice(begin, begin + ROWS_AT_ONCE)
            gaps = half_norms - points[block] @ across
            found[block] = gaps.argpartition(count - 1, axis=1)[:, :count]
        return found


def kept_of(rows: int) -> NDArray[np.intp]:
    """Which rows of a reference are kept: random ones, the same in every process."""
    return np.flatnonzero(held_out(rows, min(1.0, MOST_POINTS / rows)))
