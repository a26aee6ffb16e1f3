"""Infidelity: do the amounts foretell what is lost with a set of players?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sidelight_explainers.evaluation.worth import Floats, Worth
from sidelight_explainers.games.game import Masks

SETS = 48
"""Random sets of players that are taken away."""

EQUAL = 1e-12
"""A smaller share of the losses is rounding."""


@dataclass(frozen=True)
class Infidelity:
    """`error` is the mean squared difference between the loss foretold and the loss that came, in
    the output's unit squared; `share` is that of what equal amounts for all players would leave:
    0 where all is foretold, 1 where equal amounts do as well. None where those foretell all."""

    error: float
    share: float | None


def infidelity(worth: Worth, told: Floats, random: np.random.Generator) -> Infidelity:
    """Over random sets, each player gone half of the time.

    Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019, equation 1,
    with the perturbation that takes players away.
    """
    players = len(told)
    there = random.random((SETS, players)) < 0.5
    ends = np.stack([np.ones(players, bool), np.zeros(players, bool)])
    whole, nothing, *values = worth(np.concatenate([ends, there]))
    lost = whole - np.array(values)
    equal = np.full(players, (whole - nothing) / max(players, 1))
    error, usual = _missed(told, there, lost), _missed(equal, there, lost)
    is_telling = usual > EQUAL * float(np.mean(lost**2))
    return Infidelity(error, error / usual if is_telling else None)


def _missed(told: Floats, there: Masks, lost: Floats) -> float:
    return float(np.mean((np.where(there, 0.0, told).sum(axis=1) - lost) ** 2))
