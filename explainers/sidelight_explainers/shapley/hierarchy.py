"""Coalitions of players that stand in groups, such as words in sentences.

The Owen value (Owen 1977, "Values of games with a priori unions") of a player is its mean gain
over all orders of the players in which no group is interrupted. A group's members share the
group's own Shapley value in the game of the groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight_explainers.games.game import Masks

Groups = NDArray[np.intp]
"""(p,), each player's group: 0, 1, ..., each with one player at least."""


@dataclass(frozen=True, eq=False)
class WholeHierarchy:
    """Every coalition that an uninterrupted order passes: some whole groups, and of one further
    group some members."""

    groups: Groups

    @property
    def rows(self) -> int:
        """How many there are, some more than once; for one background."""
        sizes = np.bincount(self.groups)
        exponents = sizes + len(sizes) - 1
        return sum(1 << int(one) for one in exponents) or 1

    def coalitions(self) -> Masks:
        """(rows, p), the first being nobody."""
        if not len(self.groups):
            return np.zeros((1, 0), bool)
        return np.concatenate([self._of(group) for group in range(self._others + 1)])

    def contributions(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the outputs of `coalitions`, in that order (rows,), the Owen values (p,)."""
        values, start = np.empty(len(self.groups)), 0
        for group in range(self._others + 1):
            members = np.flatnonzero(self.groups == group)
            rows = 1 << (len(members) + self._others)
            table = outputs[start : start + rows].reshape(1 << self._others, -1)
            values[members] = _weights(self._others) @ _gains(table, len(members))
            start += rows
        return values

    @property
    def _others(self) -> int:
        """Groups less one."""
        return int(self.groups.max(initial=-1))

    def _of(self, group: int) -> Masks:
        """Sets of the other groups, and for each all sets of the group's members."""
        others, members = subsets(self._others), subsets(int((self.groups == group).sum()))
        whole = np.insert(others, group, False, axis=1)[:, self.groups]
        told = np.repeat(whole, len(members), axis=0)
        told[:, self.groups == group] = np.tile(members, (len(others), 1))
        return told


@dataclass(frozen=True, eq=False)
class HierarchyOrders:
    """Uninterrupted orders of the players, (c, p), each followed by its reverse."""

    orders: NDArray[np.intp]

    def of(self, pairs: slice) -> HierarchyOrders:
        """Only those pairs."""
        return HierarchyOrders(
            self.orders.reshape(-1, 2, self.orders.shape[1])[pairs].reshape(
                -1, self.orders.shape[1]
            )
        )

    def coalitions(self) -> Masks:
        """Nobody, then one player after the other, of each order: (c * (p + 1), p)."""
        players = self.orders.shape[1]
        place = np.argsort(self.orders, axis=1)[:, None, :]
        return np.asarray((place < np.arange(players + 1)[:, None]).reshape(-1, players))

    def contributions(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the outputs of `coalitions`, in that order, the mean gains of each pair of orders,
        (c / 2, p)."""
        count, players = self.orders.shape
        gains = np.empty((count, players))
        steps = np.diff(outputs.reshape(count, players + 1), axis=1)
        np.put_along_axis(gains, self.orders, steps, axis=1)
        return np.asarray(gains.reshape(-1, 2, players).mean(axis=1))


def random_orders(groups: Groups, pairs: int, rng: Generator) -> HierarchyOrders:
    """So many orders drawn evenly from the uninterrupted ones, and their reverses."""
    of_groups = np.argsort(rng.random((pairs, groups.max() + 1)), axis=1).argsort(axis=1)
    within = rng.random((pairs, len(groups)))
    orders = np.argsort(of_groups[:, groups] + within, axis=1)
    both = np.stack([orders, orders[:, ::-1]], axis=1)
    return HierarchyOrders(both.reshape(-1, len(groups)))


def subsets(players: int) -> Masks:
    """(2^p, p), the first player changing fastest."""
    return np.asarray((np.arange(1 << players)[:, None] >> np.arange(players)) & 1 == 1)


def _weights(others: int) -> NDArray[np.float64]:
    """Of each set of the others in a Shapley value among ``others + 1``."""
    told = [1 / ((others + 1) * comb(others, one.bit_count())) for one in range(1 << others)]
    return np.array(told)


def _gains(table: NDArray[np.float64], members: int) -> NDArray[np.float64]:
    """Shapley values (rows, members) of the game that each row (2^members,) of the table is."""
    values = np.empty((len(table), members))
    sets, weights = np.arange(1 << members), _weights(members - 1)
    for member in range(members):
        without = sets[sets >> member & 1 == 0]
        values[:, member] = (table[:, without + (1 << member)] - table[:, without]) @ weights
    return values
