"""Evidence against the null since some moment before which all was quiet.

    A_t = (A_(t-1) + w_t) LR_t

is a sum over the moments at which the change may have come, each with the weight w and paid by the
bets since. Two ways of weighing give two promises, with a threshold c and whatever dependence
between the bets:

* w adds up to 1 for ever: A and the weight still to come are a supermartingale that begins at 1, so
  A ever reaches c with probability at most 1 / c (Ville 1939).
* w is the number of units in the pane: A minus the units seen is one too, so the mean number of
  units before A reaches c is at least c (Shin, Ramdas, Rinaldo 2022: e-detectors).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import e, log
from typing import Any

import numpy as np

from sidelight_detectors.alarms.bets import Bets, Floats

Weigh = Callable[[float, float], float]
"""What a change between two numbers of units weighs."""


def ever(scale: float) -> Weigh:
    """Weights that add up to 1: ``1 - 1 / log(e + units / scale)`` of them by so many units."""

    def spent(units: float) -> float:
        return 1 - 1 / log(e + units / scale)

    return lambda before, after: spent(after) - spent(before)


def steady(before: float, after: float) -> float:
    """A weight of 1 for each unit."""
    return after - before


@dataclass
class Evidence:
    """The wealth of each bet, ``(S, J)``, and the units seen."""

    bets: Bets
    weigh: Weigh
    units: float = 0.0
    wealth: Floats = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if not self.wealth.size:
            self.wealth = np.zeros(self.bets.shape)

    def fold(self, hits: Floats, trials: Floats, units: float) -> None:
        """Takes the counts of the cuts in a pane of so many units."""
        weight = self.weigh(self.units, self.units + units)
        self.units += units
        self.wealth = (self.wealth + weight) * self.bets.pay(hits, trials)

    @property
    def value(self) -> float:
        return self.bets.value(self.wealth)

    def saved(self) -> dict[str, Any]:
        wealth = self.wealth.astype("<f8").tobytes()
        return {"units": self.units, "wealth": base64.b64encode(wealth).decode()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        wealth = np.frombuffer(base64.b64decode(saved["wealth"]), "<f8")
        self.units, self.wealth = saved["units"], wealth.reshape(self.bets.shape).copy()
