"""What an explanation says of each player of a game."""

from __future__ import annotations

import numpy as np

from sidelight.errors import DataMismatch
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.evaluation.worth import Floats
from sidelight_explainers.games.game import Game


def amounts(content: Attributions, game: Game) -> Floats:
    """(p,) in the game's order.

    Raises `DataMismatch` where the explanation is about other players than the game's.
    """
    numbers = game.attributions(np.arange(1.0, game.players + 1), None, None)
    if [one.feature for one in numbers] != [one.feature for one in content.attributions]:
        raise DataMismatch("the explanation is about other players than its row has; ask again")
    told = np.zeros(game.players)
    for number, one in zip(numbers, content.attributions, strict=True):
        if number.contribution:
            told[round(number.contribution) - 1] = one.contribution
    return told
