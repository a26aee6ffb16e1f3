"""The proxies of one model."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight_explainers.contract import Inquiry
from sidelight_explainers.games.tabular import TabularGame
from sidelight_explainers.shapley.proxies.aiding import Aide
from sidelight_explainers.shapley.proxies.buying import Buying
from sidelight_explainers.shapley.proxies.learning import Learning
from sidelight_explainers.shapley.proxies.numbers import Numbers


@dataclass(frozen=True, eq=False)
class Proxies:
    """Learns from all explanations of the model, and helps those that want it."""

    numbers: Numbers
    learning: Learning

    def buying(self, inquiry: Inquiry, output: str | None) -> Inquiry:
        """An inquiry whose answers are learnt from."""
        return Buying(inquiry, self.learning, self.numbers, output)

    def aide(self, game: TabularGame) -> Aide | None:
        """The newest snapshot's, None while there is none or where features come in groups."""
        newest = self.learning.newest
        if newest is None or len(game.names) < len(game.part):
            return None
        return Aide(newest, self.numbers, game)
