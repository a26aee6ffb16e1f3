"""Deletion and insertion: does the answer follow the players that are said to raise it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.evaluation.worth import Floats, Worth
from sidelight_explainers.games.game import Masks

Order = NDArray[np.intp]

MOST_STEPS = 32
"""Points of a curve after the first; of more players several go at a time."""

RANDOM_ORDERS = 4


@dataclass(frozen=True)
class Removal:
    """Areas under the curves of the output, in its unit, over shares of players from 0 to 1.

    `deletion` takes away first what raises the output most: low is good. `insertion` puts it back
    first: high is good. `random` is the mean over random orders, for either: without an
    explanation both are about there.
    """

    deletion: float
    insertion: float
    random: float


def removal(worth: Worth, told: Floats, random: np.random.Generator) -> Removal:
    """Both areas for the amounts told (p,), with those of random orders beside them.

    Petsiuk et al., "RISE", BMVC 2018, on players instead of pixels.
    """
    players = len(told)
    order = np.argsort(-told, kind="stable")
    orders = [random.permutation(players) for _ in range(RANDOM_ORDERS)]
    shares, masks = _masks(order, orders)
    curves = worth(masks).reshape(2 + len(orders), len(shares))
    areas = (curves[:, 1:] + curves[:, :-1]) @ np.diff(shares) / 2
    return Removal(float(areas[0]), float(areas[1]), float(areas[2:].mean()))


def _masks(order: Order, orders: list[Order]) -> tuple[Floats, Masks]:
    players = len(order)
    steps = np.unique(np.linspace(0, players, min(players, MOST_STEPS) + 1).round().astype(np.intp))
    kept_last = [order[::-1], order, *orders]
    masks = np.concatenate([_inserted(one, steps) for one in kept_last])
    # What is deleted first is what is inserted last
    masks[: len(steps)] = masks[: len(steps)][::-1]
    return steps / max(players, 1), masks


def _inserted(order: Order, steps: Order) -> Masks:
    """(s, p): with the first so many of the order."""
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    return place[None, :] < steps[:, None]
