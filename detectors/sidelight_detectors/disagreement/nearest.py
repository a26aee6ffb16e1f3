"""The answers that the nearest reference rows were given.

A label that the nearest neighbours do not share is how Nicolas Papernot and Patrick McDaniel,
"Deep k-Nearest Neighbors", arXiv:1803.04765, tell an adversarial example; theirs are neighbours in
the layers of a network, ours in the inputs, which is all that a payload log shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

MOST_POINTS = 1024
"""Reference rows that are kept to compare with."""

GRAIN = 2.0**-10
"""Coordinates are whole numbers of this part of their column's scale, so that all rows at one
distance are found, whatever order a matrix product adds in."""

FARTHEST = 256.0
"""Coordinates are cut here; squared distances stay below 2**53 GRAIN**2 for 2**15 coordinates."""

TOLD = 2.0**-20
"""Answers are whole numbers of this."""

LARGEST_ANSWER = 2.0**22
"""Answers are cut here: a sum over `MOST_POINTS` of them stays below 2**53 TOLD."""

ROWS_AT_ONCE = 256
"""Rows whose distances to all points are held at once."""


@dataclass(frozen=True, eq=False)
class Near:
    """What stands beside rows: the distance of the k-th nearest, and the mean answer of all that
    are no farther, ``(n,)`` and ``(n, c)``."""

    distance: NDArray[np.float64]
    answers: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Nearest:
    """Reference rows to compare with.

    Parameters
    ----------
    among:
        Their points, ``(m, d)``, whole numbers of `GRAIN`.
    answers:
        What the model answered them, ``(m, c)``, whole numbers of `TOLD`.
    """

    among: Points
    answers: NDArray[np.float64]
    k: int

    def beside(self, points: Points) -> Near:
        """What stands beside each point of ``(n, d)``: the same in any batch and on any machine."""
        distance = np.empty(len(points))
        answers = np.empty((len(points), self.answers.shape[1]))
        for begin in range(0, len(points), ROWS_AT_ONCE):
            block = slice(begin, begin + ROWS_AT_ONCE)
            squares = self._squares(_whole(points[block]))
            reach = np.partition(squares, self.k - 1, axis=1)[:, self.k - 1 : self.k]
            near = (squares <= reach).astype(np.float64)
            distance[block] = np.sqrt(reach[:, 0]) * GRAIN
            answers[block] = near @ self.answers / near.sum(axis=1, keepdims=True) * TOLD
        return Near(distance, answers)

    def pack(self) -> dict[str, NDArray[Any]]:
        k = np.array([self.k], np.int64)
        return {"nearest_among": self.among, "nearest_answers": self.answers, "nearest_k": k}

    @classmethod
    def unpack(cls, arrays: Mapping[str, NDArray[Any]]) -> Nearest:
        among, answers = arrays["nearest_among"], arrays["nearest_answers"]
        return cls(among, answers, int(arrays["nearest_k"][0]))

    def _squares(self, whole: Points) -> NDArray[np.float64]:
        across, norms = self._lines
        return np.asarray((whole**2).sum(axis=1)[:, None] - 2 * (whole @ across) + norms)

    @cached_property
    def _lines(self) -> tuple[Points, NDArray[np.float64]]:
        return np.ascontiguousarray(self.among.T), (self.among**2).sum(axis=1)


def nearest_of(points: Points, answers: NDArray[np.float64], neighbours: int) -> Nearest:
    """Of reference rows ``(m, d)`` whose answers ``(m, c)`` are all known."""
    told = np.rint(np.clip(answers, -LARGEST_ANSWER, LARGEST_ANSWER) / TOLD)
    return Nearest(_whole(points), told, min(neighbours, len(points)))


def _whole(points: Points) -> Points:
    return np.asarray(np.rint(np.clip(points, -FARTHEST, FARTHEST) / GRAIN))
