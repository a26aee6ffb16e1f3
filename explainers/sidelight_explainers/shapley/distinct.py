"""Coalitions without repeats: what the predictor need be asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_explainers.games.game import Game, Masks


@dataclass(frozen=True, eq=False)
class Distinct:
    """`first` (u,): where each different row first appears; `inverse` (r,): which one each is."""

    first: NDArray[np.intp]
    inverse: NDArray[np.intp]


def distinct(game: Game, masks: Masks, background: NDArray[np.intp]) -> Distinct:
    """What is different among the rows of those coalitions."""
    keys = game.keys(masks, background)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return Distinct(first, inverse.reshape(-1))


def questions(game: Game, needed: Distinct, masks: Masks, background: NDArray[np.intp]) -> Columns:
    """The explained row, and every row needed; the first shows whether the predictor is steady."""
    asked = game.rows(masks[needed.first], background[needed.first])
    return Columns.concatenate([game.explained(), asked])
