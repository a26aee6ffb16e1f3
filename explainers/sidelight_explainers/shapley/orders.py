"""Random orders of the players, spread evenly."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Orders = NDArray[np.intp]
"""(c, p), the players in the order in which they come."""


def spread_orders(players: int, count: int, rng: Generator) -> Orders:
    """So many orders, each as likely as any other, in random Latin squares: of every `players`
    successive ones, each player stands at each place once.

    What a player adds depends on how many are there before it, so that even places leave less to
    chance (stratified sampling, Castro et al., Computers & Operations Research 2017).
    """
    squares = -(-count // max(players, 1))
    blank = np.tile(np.arange(players), (squares, 1))
    names, places, shifts = (rng.permuted(blank, axis=1) for _ in range(3))
    shifted = (places[:, None, :] + shifts[:, :count, None]) % max(players, 1)
    orders = np.take_along_axis(names[:, None, :], shifted, axis=2)
    return orders.reshape(-1, players)[:count]


def with_reverses(orders: Orders) -> Orders:
    """Each order, then its reverse (2 * count, p)."""
    return np.stack([orders, orders[:, ::-1]], axis=1).reshape(-1, orders.shape[1])
