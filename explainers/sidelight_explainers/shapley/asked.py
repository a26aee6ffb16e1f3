"""The answers for planned coalitions, asked from the first one on."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sidelight.predictors.caching import model_of
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.games.game import Game, Masks
from sidelight_explainers.games.parts import ask_in_parts
from sidelight_explainers.outputs import choose_output
from sidelight_explainers.shapley.distinct import Distinct, distinct


@dataclass(frozen=True, eq=False)
class Planned:
    """Coalitions in the order in which they will be asked, and which of them are different."""

    game: Game
    masks: Masks
    background: NDArray[np.intp]
    needed: Distinct

    @classmethod
    def of(cls, game: Game, masks: Masks, background: NDArray[np.intp]) -> Planned:
        return cls(game, masks, background, distinct(game, masks, background))


@dataclass(frozen=True, eq=False)
class Asked:
    """The chosen `output` of the explained row, and `known` ones of the first different rows, as
    one `model` (see `model_of`) has answered them."""

    plan: Planned
    model: Hashable
    output: str
    prediction: float
    known: NDArray[np.float64]

    @classmethod
    def start(cls, plan: Planned, rows: int, output: str | None, inquiry: Inquiry) -> Asked:
        """With the first rows; asks for the explained one before them, whatever is known of it:
        that shows whether the predictor is steady."""
        first = plan.needed.first[: plan.needed.among(rows)]
        everybody = np.ones((1, plan.game.players), bool)
        masks = np.concatenate([everybody, plan.masks[first]])
        background = np.concatenate([[0], plan.background[first]])
        answers = ask_in_parts(plan.game, inquiry, masks, background)
        told = choose_output(answers, output)
        return cls(plan, model_of(answers), told.name, float(told.values[0]), told.values[1:])

    def lacking(self, rows: int) -> int:
        """How many different ones of the first rows are still to be asked."""
        return max(self.plan.needed.among(rows) - len(self.known), 0)

    def further(self, rows: int, inquiry: Inquiry) -> Asked:
        """With the answers up to that row; raises what `inquiry.ask` raises."""
        new = self.plan.needed.first[len(self.known) : self.plan.needed.among(rows)]
        told = ask_in_parts(
            self.plan.game, inquiry, self.plan.masks[new], self.plan.background[new]
        )
        values = choose_output(told, self.output).values if len(new) else np.empty(0)
        return replace(self, known=np.append(self.known, values))

    def outputs(self, rows: int) -> NDArray[np.float64]:
        """Of the first rows (rows,), all of which were asked."""
        return self.known[self.plan.needed.inverse[:rows]]
