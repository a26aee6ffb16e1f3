"""Where an attack moves: points in [0, 1], and the rows that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from tests.detectors.attacking.targets import Target

Points = NDArray[np.float32]


class Space(Protocol):
    """Points ``(n, height, width, 1)`` and rows of one target, there and back."""

    @property
    def shape(self) -> tuple[int, int, int]: ...

    def rows(self, points: Points) -> Columns: ...

    def points(self, rows: Columns) -> Points: ...

    def is_small(self, victim: Points, point: Points) -> bool:
        """Whether a changed point still passes for the victim."""
        ...


@dataclass(frozen=True)
class Pictures:
    """A picture is its own point. Small: 0.3 of each pixel, or 3 in Euclidean distance."""

    shape: tuple[int, int, int] = (28, 28, 1)

    def rows(self, points: Points) -> Columns:
        return Columns.of(picture=np.clip(points[..., 0], 0, 1).astype(np.float32).round(4))

    def points(self, rows: Columns) -> Points:
        return np.asarray(rows["picture"].values, np.float32)[..., None]

    def is_small(self, victim: Points, point: Points) -> bool:
        step = np.abs(victim - point)
        return bool(step.max() <= 0.301 or np.sqrt(np.square(step).sum()) <= 3)


_SIDE = 4
_AT = (0, 1, 2, 4, 5, 6, 8)
"""Where claims lie in a square, so that attacks on pictures take them. The rest of it is empty: its
last row and column, which Square hardly ever changes, too."""

CLAIMED = (
    "education-num",
    "hours-per-week",
    "workclass",
    "education",
    "marital-status",
    "occupation",
    "relationship",
)
"""What somebody may say of himself that nobody checks."""

LIES = 3
"""Claims that somebody dares to change in the end."""


@dataclass(frozen=True)
class Claims:
    """One person's claims: a number is its place in the reference's range, a category the middle of
    its part of [0, 1]. Small: `LIES` of them are changed at most.
    """

    person: Columns
    ranges: Mapping[str, tuple[float, float]]
    codes: Mapping[str, tuple[str, ...]]
    shape: tuple[int, int, int] = (_SIDE, _SIDE, 1)

    @classmethod
    def of(cls, person: Columns, target: Target) -> Claims:
        ranges, codes = {}, {}
        for name in CLAIMED:
            values = target.reference[name].values
            if target.features[name] == "numeric":
                ranges[name] = (float(values.min()), float(values.max()))
            else:
                codes[name] = tuple(sorted(set(values)))
        return cls(person, ranges, codes)

    def rows(self, points: Points) -> Columns:
        flat = np.clip(points.reshape(len(points), -1), 0, 1).astype(float)
        claimed = {
            name: self._values(name, flat[:, at]) for at, name in zip(_AT, CLAIMED, strict=True)
        }
        same = self.person.take(np.zeros(len(points), int))
        return Columns.of(**{name: claimed.get(name, same[name].values) for name in same.names})

    def points(self, rows: Columns) -> Points:
        flat = np.zeros((len(rows), _SIDE * _SIDE), np.float32)
        for place, name in zip(_AT, CLAIMED, strict=True):
            flat[:, place] = self._places(name, rows[name].values)
        return flat.reshape(len(rows), *self.shape)

    def is_small(self, victim: Points, point: Points) -> bool:
        pair = self.rows(np.concatenate([victim, point]))
        changed = [pair[name].values[0] != pair[name].values[1] for name in CLAIMED]
        return int(np.sum(changed)) <= LIES

    def _values(self, name: str, places: NDArray[np.float64]) -> NDArray[Any]:
        if name in self.ranges:
            low, high = self.ranges[name]
            return np.asarray((low + places * (high - low)).round())
        known = np.array(self.codes[name], object)
        return np.asarray(known[np.minimum((places * len(known)).astype(int), len(known) - 1)])

    def _places(self, name: str, values: NDArray[Any]) -> NDArray[np.float64]:
        if name in self.ranges:
            low, high = self.ranges[name]
            return np.clip((values.astype(float) - low) / (high - low), 0, 1)
        known = self.codes[name]
        return np.array([known.index(value) + 0.5 for value in values]) / len(known)


def space_of(target: Target, victim: Columns) -> Space:
    """Where attacks on this row move; texts have a way of their own (`wording`)."""
    return Pictures() if target.name == "digits" else Claims.of(victim, target)
