"""Rows between the explained one and a neighbour.

Rows are told by their sources: for each feature the palette row that its value is taken from.
`stay` is the palette row that is the explained one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.games.blend import Codes

Masks = NDArray[np.bool_]
Floats = NDArray[np.float64]

FREE = 5
"""Changes of which every subset is tried at once."""
STEPS = 12
"""Values tried between the explained row's and a neighbour's."""


def taken(row: Codes, masks: Masks, stay: int) -> Codes:
    """The row's values where a mask (r, n) says so, else the explained row's (r, n)."""
    return np.where(masks, row, np.int32(stay))


def alone(row: Codes, stay: int) -> Codes:
    """One of the row's values at a time (n, n)."""
    return taken(row, np.eye(len(row), dtype=bool), stay)


def in_orders(row: Codes, orders: list[NDArray[np.intp]], stay: int) -> Codes:
    """One value, two, ... of the row in each order of its changed features."""
    masks = [np.argsort(order)[None, :] <= np.arange(len(row))[:, None] for order in orders]
    sources = taken(row, np.concatenate(masks), stay)
    return np.unique(sources, axis=0)


def with_less(row: Codes, gains: Floats, stay: int) -> Codes:
    """The row without each one of its changes, and without any of those that gain least."""
    changed = np.flatnonzero(row != stay)
    weakest = changed[np.argsort(gains[changed], kind="stable")][:FREE]
    kept = (np.arange(1 << len(weakest))[:, None] >> np.arange(len(weakest))) & 1
    masks = np.ones((len(kept), len(row)), bool)
    masks[:, weakest] = kept > 0
    singles = ~np.eye(len(row), dtype=bool)[changed]
    return taken(row, np.concatenate([masks, singles]), stay)


def between(row: Codes, offsets: Floats, allowed: Masks, stay: int) -> Codes:
    """Rows on the way to this one (s, n): each changed number a reference's value between.

    `offsets` (m + 1, n) are the numbers above the explained row's, `allowed` (m + 1, n) the values
    that may be taken.
    """
    rows = np.repeat(row[None, :], STEPS, axis=0)
    parts = np.arange(1, STEPS + 1) / (STEPS + 1)
    for feature in np.flatnonzero(row != stay):
        column = offsets[:, feature]
        goal = column[row[feature]]
        if goal != goal:
            continue
        way = np.flatnonzero(allowed[:, feature] & (column * np.sign(goal) > 0))
        way = way[np.argsort(np.abs(column[way]), kind="stable")]
        at = np.searchsorted(np.abs(column[way]), parts * abs(goal))
        rows[:, feature] = way[at]
    return rows
