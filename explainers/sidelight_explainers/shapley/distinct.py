"""Coalitions without repeats: what the predictor need be asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.games.game import Game, Masks


@dataclass(frozen=True, eq=False)
class Distinct:
    """`first` (u,), ascending: where each different row first appears; `inverse` (r,): which of
    them each row is."""

    first: NDArray[np.intp]
    inverse: NDArray[np.intp]

    def among(self, rows: int) -> int:
        """How many different ones the first rows hold."""
        return int(np.searchsorted(self.first, rows))


def distinct(game: Game, masks: Masks, background: NDArray[np.intp]) -> Distinct:
    """What is different among the rows of those coalitions."""
    keys = np.ascontiguousarray(game.keys(masks, background))
    whole = keys.view(np.dtype((np.void, keys.dtype.itemsize * max(keys.shape[1], 1)))).reshape(-1)
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return Distinct(first[order], np.argsort(order)[inverse.reshape(-1)])
