"""Shapley values estimated from random orders of the features.

A *chain* starts at a background row and turns feature after feature, in a random order, into the
explained row's; what the output gains at each step is credited to the feature just turned
(Castro, Gómez & Tejada, Computers & Operations Research 2009, eq. 5). Orders come with their
reverses (antithetic, Mitchell et al., JMLR 2022, section 4): first one chain for each background
row, neighbours having reverse orders; then for each the reverse of its own; then, while rows are
left, a further order and its reverse for one background row after the other.

`shap.PermutationExplainer` cannot be used for this here: it seeds and draws from numpy's one
process-wide generator, so answers would depend on what other threads do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight_explainers.games.game import Masks


@dataclass(frozen=True, eq=False)
class Chains:
    """Orders of the players, one a chain.

    `orders` (c, p): the players in the order in which they are turned. `background` (c,): the
    background row in 0..size-1 that the chain starts from; the first `size` chains have one each.
    """

    orders: NDArray[np.intp]
    background: NDArray[np.intp]
    size: int

    def coalitions(self) -> tuple[Masks, NDArray[np.intp]]:
        """The rows to ask, p + 1 a chain: masks (c * (p + 1), p) and background (c * (p + 1),)."""
        players = self.orders.shape[1]
        turned = np.argsort(self.orders, axis=1)[:, None, :] < np.arange(players + 1)[:, None]
        return turned.reshape(-1, players), np.repeat(self.background, players + 1)

    def __len__(self) -> int:
        return len(self.orders)

    def first(self, chains: int) -> Chains:
        """So many chains, one less where the last would be an order without its reverse."""
        whole = chains - chains % 2 if chains > 2 * self.size else chains
        return Chains(self.orders[:whole], self.background[:whole], self.size)

    def baselines(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The output of each background row (size,), from the outputs of `coalitions`."""
        return outputs.reshape(len(self), -1)[: self.size, 0]

    def contributions(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the outputs of `coalitions`, in that order, contributions (size, p) by background.

        Each row sums exactly to the output of the explained row less that of the background row.
        """
        count, players = self.orders.shape
        gains = np.empty((count, players))
        steps = np.diff(outputs.reshape(count, players + 1), axis=1)
        np.put_along_axis(gains, self.orders, steps, axis=1)
        sums = np.zeros((self.size, players))
        np.add.at(sums, self.background, gains)
        return sums / np.bincount(self.background, minlength=self.size)[:, None]


def random_chains(players: int, size: int, chains: int, rng: Generator) -> Chains:
    """At least `size` chains over that many players and background rows, in the order described."""
    pairs = max(chains // 2, size) - size
    half = _shuffled(players, (size + 1) // 2, rng)
    first = _with_reverses(half)[:size]
    orders = [first, first[:, ::-1], _with_reverses(_shuffled(players, pairs, rng))]
    background = [*[np.arange(size)] * 2, np.repeat(np.arange(pairs) % size, 2)]
    everything = Chains(np.concatenate(orders), np.concatenate(background), size)
    return everything.first(max(chains, size))


def _shuffled(players: int, count: int, rng: Generator) -> NDArray[np.intp]:
    return rng.permuted(np.tile(np.arange(players), (count, 1)), axis=1)


def _with_reverses(orders: NDArray[np.intp]) -> NDArray[np.intp]:
    """Each order, then its reverse (2 * count, p)."""
    return np.stack([orders, orders[:, ::-1]], axis=1).reshape(-1, orders.shape[1])
