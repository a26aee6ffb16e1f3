"""Exact Shapley values of weighted sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sidelight_explainers.whitebox.reading import Floats, Ints


@dataclass(frozen=True, eq=False)
class Linear:
    """``intercept + table @ weights``: each player moves it by what its own columns add.

    `weights` (t,), `background` (b, t), `owners` (t,) whose each column is.
    """

    weights: Floats
    intercept: float
    background: Floats
    owners: Ints
    players: int

    estimator: ClassVar[str] = "linear"

    @property
    def base(self) -> float:
        return float(self.values(self.background).mean())

    def values(self, table: Floats) -> Floats:
        return np.asarray(self.intercept + table @ self.weights)

    def contributions(self, row: Floats) -> Floats:
        return np.asarray(self.moves(row).mean(axis=0))

    def moves(self, row: Floats) -> Floats:
        """By how much (b, p) each player moves the sum away from each background row's."""
        moved = (row - self.background) * self.weights
        whose: Floats = np.eye(self.players)[self.owners]
        return np.asarray(moved @ whose)
