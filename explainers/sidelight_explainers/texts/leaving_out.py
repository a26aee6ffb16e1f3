"""Leave one out: what the output loses without one word or sentence of a text.

Li, Monroe & Jurafsky 2016 (arXiv 1612.08220, equation 2), as a difference. Blind to words that
stand in for each other: without either, the other keeps the output where it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.leave_one_out import LeaveOneOutSettings
from sidelight.tensors import Columns
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.games.game import Game, Masks
from sidelight_explainers.games.opening import MakeGame, open_games
from sidelight_explainers.outputs import choose_output
from sidelight_explainers.subject import Subject


@dataclass(frozen=True)
class LeaveOneOut:
    """Explains one text."""

    subject: Subject
    games: MakeGame

    def __call__(
        self, rows: Columns, options: LeaveOneOutSettings, inquiry: Inquiry
    ) -> Explanation:
        game = self.games(rows, options)
        content = losses(game, self.subject.output(options), inquiry)
        quality = inquiry.quality("accurate")
        return self.subject.explanation("leave_one_out", options, content, quality)


def open_method(subject: Subject, settings: LeaveOneOutSettings) -> LeaveOneOut:
    """Raises what `open_games` raises."""
    return LeaveOneOut(subject, open_games(subject, settings))


def losses(game: Game, output: str | None, inquiry: Inquiry) -> Attributions:
    """The output with everybody less the mean output without each player, over all backgrounds.

    One question of ``size * (players + 1) + 1`` rows; the base value is the mean output without
    any of them.
    """
    masks, background = _plan(game)
    answer = inquiry.ask(
        Columns.concatenate([game.explained(), game.rows(masks[1:], background[1:])])
    )
    found = choose_output(answer, output)
    without = found.values[1:].reshape(game.players + 1, game.size)
    prediction = float(found.values[0])
    shares = prediction - without[1:].mean(axis=1)
    return Attributions(
        output=found.name,
        base_value=float(without[0].mean()),
        prediction=prediction,
        attributions=game.attributions(shares, None, None),
        estimator="leave_one_out",
        background_rows=game.size,
        layout=game.layout(),
    )


def _plan(game: Game) -> tuple[Masks, NDArray[np.intp]]:
    """Everybody; nobody against each background; then all but each player likewise."""
    nobody = np.zeros((1, game.players), bool)
    but_one = ~np.eye(game.players, dtype=bool)
    masks = np.repeat(np.vstack([nobody, but_one]), game.size, axis=0)
    background = np.tile(np.arange(game.size), game.players + 1)
    return np.vstack([~nobody, masks]), np.concatenate([[0], background])
