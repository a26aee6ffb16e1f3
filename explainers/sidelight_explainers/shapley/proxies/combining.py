"""A proxy and a surrogate as control variates of the same chains.

What a proxy gains on average is known exactly. How much of it and of the surrogate is taken off
is fitted in this request: from one half of the background rows for the other half, so that the
estimate has no bias. Where the proxy tells nothing of this row its coefficient is near 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight_explainers.shapley.control import Told, surrogates
from sidelight_explainers.shapley.intervals import Neighbours, Spread, spread
from sidelight_explainers.shapley.permutations import Chains, means
from sidelight_explainers.shapley.surrogate import Floats

SWEEPS = 100


@dataclass(frozen=True, eq=False)
class Proxied:
    """What a proxy says: of the chains' coalitions its `outputs` (c * (p + 1),), and its exact
    `shares` (2, p) for the even and for the odd background rows, all of which have a chain."""

    outputs: Floats
    shares: Floats


@dataclass(frozen=True, eq=False)
class Combined:
    """Shapley values (p,) and how sure they are; the proxy's `coefficients` for the even and for
    the odd background rows."""

    values: Floats
    spread: Spread
    coefficients: tuple[float, float]


def combined(
    chains: Chains, outputs: Floats, proxied: Proxied, positions: Floats, rng: Generator
) -> Combined:
    """As `control.controlled`, with a proxy."""
    background = chains.background_of_units
    units = chains.per_unit(chains.gains(outputs))
    told = surrogates(chains, outputs, positions, rng)
    proxy = chains.per_unit(chains.gains(proxied.outputs))
    half = background % 2
    fitted = [
        _coefficients(half != one, background, positions, units, told, proxy) for one in (0, 1)
    ]
    shares = np.array(fitted)
    share, coefficient = shares[half].T[:, :, None]
    left = means(units - share * told.astray - coefficient * proxy, background)
    rows = np.arange(len(left)) % 2
    values = (left + shares[rows, 1:] * proxied.shares[rows]).mean(axis=0)
    mean = shares.mean(axis=0)
    neighbours = Neighbours.of(background, positions)
    residual = neighbours.differences(units) - _chances(neighbours, told, proxy) @ mean
    found = spread(residual, background, mean[0] ** 2 * told.variance)
    return Combined(values, found, (float(shares[0, 1]), float(shares[1, 1])))


def _coefficients(
    of: NDArray[np.bool_],
    background: NDArray[np.intp],
    positions: Floats,
    units: Floats,
    told: Told,
    proxy: Floats,
) -> Floats:
    """Of surrogate and proxy, each in 0..1: those that leave the smallest variance of these units,
    of all players together; zeros where nothing can be compared."""
    neighbours = Neighbours.of(background[of], positions)
    chances = _chances(neighbours, told.of(of), proxy[of]).reshape(-1, 2)
    if len(chances) < 2:
        return np.zeros(2)
    wanted = chances.T @ neighbours.differences(units[of]).reshape(-1)
    return _smallest(chances.T @ chances, wanted)


def _smallest(gram: Floats, wanted: Floats) -> Floats:
    """The x (2,) in 0..1 with the smallest ``x gram x / 2 - wanted x``, one at a time."""
    found = np.zeros(2)
    for at in (0, 1) * SWEEPS:
        if gram[at, at] > 0:
            found[at] = (wanted[at] - gram[at, 1 - at] * found[1 - at]) / gram[at, at]
            found[at] = min(max(found[at], 0.0), 1.0)
    return found


def _chances(neighbours: Neighbours, told: Told, proxy: Floats) -> Floats:
    """What surrogate and proxy tell of the differences (k, p, 2)."""
    surrogate = told.astray if neighbours.within else told.gained
    return np.stack([neighbours.differences(one) for one in (surrogate, proxy)], axis=-1)
