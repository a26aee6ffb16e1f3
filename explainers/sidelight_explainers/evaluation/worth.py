"""What coalitions of an explained row's players are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.contract import Inquiry
from sidelight_explainers.games.game import Game, Masks
from sidelight_explainers.games.parts import ask_in_parts
from sidelight_explainers.outputs import choose_output

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Worth:
    """The explained output with some players there and the others replaced, over all backgrounds
    of the game."""

    game: Game
    inquiry: Inquiry
    output: str

    def __call__(self, masks: Masks) -> Floats:
        """Means (r,) for masks (r, p), asked together."""
        size = self.game.size
        backgrounds = np.tile(np.arange(size), len(masks))
        rows = np.repeat(masks, size, axis=0)
        answer = ask_in_parts(self.game, self.inquiry, rows, backgrounds)
        values = choose_output(answer, self.output).values
        return np.asarray(values.reshape(len(masks), size).mean(axis=1), np.float64)
