"""What a surrogate takes from the chance of the orders: a control variate.

The surrogate's own Shapley values are known from very many orders, since it costs nothing. How far
its gains in the chains that were asked are from them tells how far the model's are. The answers of
each half of the units are fitted for the other half, so that no answer corrects itself, and the
correction is scaled to make the variance smallest: a surrogate that tells nothing does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight_explainers.shapley.intervals import Neighbours, Spread, per_unit_variance, spread
from sidelight_explainers.shapley.permutations import Chains, means, paired_chains
from sidelight_explainers.shapley.surrogate import Floats, Surrogate, fit_surrogate

FREE = 32
"""Chains of the surrogate for each one that was asked."""


@dataclass(frozen=True, eq=False)
class Controlled:
    """Shapley values (p,) and how sure they are; `share` of the surrogate was taken off."""

    values: Floats
    spread: Spread
    share: float


def controlled(chains: Chains, outputs: Floats, positions: Floats, rng: Generator) -> Controlled:
    """From the `outputs` of the chains' coalitions; `positions` (size, p) are a number for each
    player's values in each background row."""
    background = chains.background_of_units
    units = chains.per_unit(chains.gains(outputs))
    told = surrogates(chains, outputs, positions, rng)
    neighbours = Neighbours.of(background, positions)
    differences = neighbours.differences(units)
    # between two background rows, what the surrogate expects explains their difference
    chance = neighbours.differences(told.astray if neighbours.within else told.gained)
    share = _share(differences, chance)
    values = means(units - share * told.astray, background).mean(axis=0)
    found = spread(differences - share * chance, background, share**2 * told.variance)
    return Controlled(values, found, share)


@dataclass(frozen=True, eq=False)
class Told:
    """Of each unit (u, p) what the surrogate of the other half `gained`, and how far that is from
    what it gains on average; and the `variance` (p,) of that average's own mean."""

    gained: Floats
    astray: Floats
    variance: Floats

    def of(self, units: NDArray[np.bool_]) -> Told:
        """Of some of the units only."""
        return Told(self.gained[units], self.astray[units], self.variance)


def surrogates(chains: Chains, outputs: Floats, positions: Floats, rng: Generator) -> Told:
    """Of each half of the units, what the surrogate of the other half tells."""
    size, players = positions.shape
    free = paired_chains(players, size, max(FREE * len(chains), 4 * size), rng)
    half = chains.unit // 2 % 2
    fitted = [_fitted(chains, half != one, outputs, positions) for one in (0, 1)]
    gained = chains.per_unit(_chosen(half, [one.gains(chains) for one in fitted]))
    freely = [free.per_unit(one.gains(free)) for one in fitted]
    known = [means(one, free.background_of_units) for one in freely]
    expected = chains.per_unit(_chosen(half, [one[chains.background] for one in known]))
    return Told(gained, gained - expected, _variance(np.mean(freely, axis=0), free))


def _variance(units: Floats, chains: Chains) -> Floats:
    background = chains.background_of_units
    within = Neighbours.of(background, np.zeros((1, units.shape[1]))).differences(units)
    return np.asarray((within**2).mean(axis=0) * per_unit_variance(background))


def _chosen(which: NDArray[np.intp], among: list[Floats]) -> Floats:
    return np.where(which[:, None] == 0, among[0], among[1])


def _share(differences: Floats, chance: Floats) -> float:
    """The coefficient in 0..1 that leaves the smallest variance, of all players together: shares
    for each would not add up."""
    total = float((chance**2).sum())
    told = float((differences * chance).sum()) / total if total > 0 else 0.0
    return min(max(told, 0.0), 1.0)


def _fitted(chains: Chains, of: NDArray[np.bool_], outputs: Floats, positions: Floats) -> Surrogate:
    masks, background = chains.coalitions()
    rows = np.repeat(of if of.any() else ~of, chains.orders.shape[1] + 1)
    return fit_surrogate(masks[rows], background[rows], outputs[rows], positions)
