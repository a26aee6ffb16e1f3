"""Infidelity: do the amounts foretell what is lost with a set of players?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sidelight_explainers.evaluation.worth import Floats, Worth

SETS = 48
"""Random sets of players that are taken away."""


@dataclass(frozen=True)
class Infidelity:
    """`error` is the mean squared difference between the loss foretold and the loss that came, in
    the output's unit squared; `share` is that of the mean squared loss: 0 where all is foretold,
    1 where amounts of zero would do as well. None where nothing was ever lost."""

    error: float
    share: float | None


def infidelity(worth: Worth, told: Floats, random: np.random.Generator) -> Infidelity:
    """Over random sets, each player gone half of the time.

    Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019, equation 1,
    with the perturbation that takes players away.
    """
    there = random.random((SETS, len(told))) < 0.5
    everybody = np.ones((1, len(told)), bool)
    values = worth(np.concatenate([everybody, there]))
    lost = values[0] - values[1:]
    foretold = np.where(there, 0.0, told).sum(axis=1)
    error, size = np.mean((foretold - lost) ** 2), np.mean(lost**2)
    return Infidelity(float(error), float(error / size) if size > 0 else None)
