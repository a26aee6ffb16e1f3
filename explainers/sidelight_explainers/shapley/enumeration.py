"""Exact Shapley values: every coalition is asked, and weighed as the definition says."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.games.game import Masks


@dataclass(frozen=True)
class Enumeration:
    """All ``2 ** players`` coalitions against each of `size` background rows."""

    players: int
    size: int

    def coalitions(self) -> tuple[Masks, NDArray[np.intp]]:
        """The rows to ask: masks (2^p * size, p) and background (2^p * size,)."""
        subsets = (np.arange(1 << self.players)[:, None] >> np.arange(self.players)) & 1 == 1
        return np.repeat(subsets, self.size, axis=0), np.tile(np.arange(self.size), len(subsets))

    def baselines(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The output of each background row (size,), from the outputs of `coalitions`."""
        return outputs[: self.size]

    def contributions(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the outputs of `coalitions`, in that order, (size, p) by background row."""
        if self.players == 0:
            return np.zeros((self.size, 0))
        table = outputs.reshape(-1, self.size)
        subsets = np.arange(len(table))
        sizes = np.array([one.bit_count() for one in range(len(table))])
        weights = np.array([1 / comb(self.players - 1, one) for one in range(self.players)])
        values = np.empty((self.size, self.players))
        for player in range(self.players):
            without = subsets[subsets >> player & 1 == 0]
            gains = table[without + (1 << player)] - table[without]
            values[:, player] = weights[sizes[without]] @ gains / self.players
        return values
