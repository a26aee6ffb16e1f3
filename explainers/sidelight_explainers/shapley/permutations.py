"""Shapley values estimated from random orders of the players.

A *chain* starts at a background row and turns player after player, in a random order, into the
explained row; what the output gains at each step is credited to the player just turned (Castro,
Gómez & Tejada, Computers & Operations Research 2009, eq. 5). Each chain takes its background from
one row, since a whole background costs as many rows as there are in it and tells less. Orders come
with their reverses (antithetic, Mitchell et al., JMLR 2022, section 4), which cancels all that
pairs of players do together.

`shap.PermutationExplainer` cannot be used for this here: it seeds and draws from numpy's one
process-wide generator, so answers would depend on what other threads do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight_explainers.games.game import Masks
from sidelight_explainers.shapley.orders import Orders, spread_orders, with_reverses

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chains:
    """Orders (c, p) of the players, one a chain, and the `background` row (c,) each starts from.

    `unit` (c,) numbers what was drawn at random together: chains of one unit have reverse orders
    or, where the rows do not pay for that, one background row.
    """

    orders: Orders
    background: NDArray[np.intp]
    unit: NDArray[np.intp]

    def coalitions(self) -> tuple[Masks, NDArray[np.intp]]:
        """The rows to ask, p + 1 a chain: masks (c * (p + 1), p) and background (c * (p + 1),)."""
        players = self.orders.shape[1]
        turned = np.argsort(self.orders, axis=1)[:, None, :] < np.arange(players + 1)[:, None]
        return turned.reshape(-1, players), np.repeat(self.background, players + 1)

    def __len__(self) -> int:
        return len(self.orders)

    def first(self, chains: int) -> Chains:
        """So many chains."""
        return Chains(self.orders[:chains], self.background[:chains], self.unit[:chains])

    def gains(self, outputs: Floats) -> Floats:
        """What each player added in each chain (c, p), from the outputs of `coalitions`."""
        count, players = self.orders.shape
        gains = np.empty((count, players))
        steps = np.diff(outputs.reshape(count, players + 1), axis=1)
        gains[np.arange(count)[:, None], self.orders] = steps
        return gains

    def per_unit(self, chainwise: Floats) -> Floats:
        """Means of what there is a chain (c, ...), over the chains of each unit (u, ...)."""
        return means(chainwise, self.unit)

    @property
    def background_of_units(self) -> NDArray[np.intp]:
        """(u,)."""
        return self.background[np.unique(self.unit, return_index=True)[1]]


def paired_chains(players: int, size: int, chains: int, rng: Generator) -> Chains:
    """An order and its reverse for one background row after the other, again and again."""
    pairs = chains // 2
    orders = with_reverses(spread_orders(players, pairs, rng))
    return Chains(orders, np.repeat(np.arange(pairs) % size, 2), np.repeat(np.arange(pairs), 2))


def crossed_chains(players: int, size: int, rng: Generator) -> Chains:
    """For few rows: one chain for each of `size` background rows, neighbours having reverse
    orders; then for each the reverse of its own."""
    orders = with_reverses(spread_orders(players, (size + 1) // 2, rng))[:size]
    background = np.tile(np.arange(size), 2)
    return Chains(np.concatenate([orders, orders[:, ::-1]]), background, background)


def means(values: Floats, of: NDArray[np.intp]) -> Floats:
    """Means (k, ...) of the values (c, ...) with the same number in `of` (c,): of each number that
    occurs, in their order."""
    order = np.argsort(of, kind="stable")
    first = np.flatnonzero(np.diff(of[order], prepend=-1))
    counts = np.diff(np.append(first, len(of)))
    sums = np.add.reduceat(values[order], first, axis=0)
    return np.asarray(sums / counts.reshape(-1, *(1,) * (values.ndim - 1)))
