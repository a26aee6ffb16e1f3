"""Leaves as sets of conditions: what each feature must do for a row to come there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.whitebox.paths import Borders, borders, changes, leaves_below
from sidelight_explainers.whitebox.reading import Floats, Ints
from sidelight_explainers.whitebox.trees import Trees

Bits = NDArray[np.unsignedinteger[Any]]

MOST = 63
"""Features on one path, so that its conditions fit the bits of one number."""


@dataclass(frozen=True, eq=False)
class Leaves:
    """All leaves of some trees.

    The `borders` of one player's columns on the path to a leaf are one condition, which begins
    among them at `conditions`, is of the leaf `whose` and the `player`, and is in sets of the
    leaf's conditions the `slot`-th `bit` (all (c,)). The conditions of a leaf begin at `starts`,
    `full` has the bits of them all, and `leaf` is its node (all (l,)).
    """

    trees: Trees
    borders: Borders
    conditions: Ints
    whose: Ints
    player: Ints
    slot: Ints
    bit: Bits
    starts: Ints
    full: Bits
    leaf: Ints

    def met(self, table: Floats) -> NDArray[np.bool_]:
        """By which of the rows (r, t), which conditions (r, c)."""
        passed = self.borders.passed(self.trees.rounded(table))
        if passed.shape[1] == len(self.conditions):
            return passed
        return np.asarray(np.logical_and.reduceat(passed, self.conditions, axis=1))

    def held(self, met: NDArray[np.bool_]) -> Bits:
        """For rows and leaves (r, l) the bits of the conditions that are `met`."""
        return np.asarray(np.bitwise_or.reduceat(met * self.bit, self.starts, axis=1))


def leaves_of(trees: Trees, owners: Ints) -> Leaves | None:
    """The leaves of the trees, where column t of the table belongs to player ``owners[t]``.

    Leaves without any condition (a tree that is one leaf) are left out: nobody moves them. None
    when a path has more players than `MOST`, or when there is no leaf left.
    """
    leaf = leaves_below(trees)
    if not len(leaf):
        return None
    asked = borders(trees, leaf, owners)
    owner = owners[asked.column]
    conditions = changes(asked.path, owner)
    whose, player = asked.path[conditions], owner[conditions]
    starts = changes(whose)
    counts = np.diff(np.r_[starts, len(conditions)])
    if counts.max() > MOST:
        return None
    slot = np.arange(len(conditions)) - np.repeat(starts, counts)
    full = _bits((np.uint64(1) << counts.astype(np.uint64)) - np.uint64(1))
    bit = (np.uint64(1) << slot.astype(np.uint64)).astype(full.dtype)
    return Leaves(trees, asked, conditions, whose, player, slot, bit, starts, full, leaf)


def _bits(full: NDArray[np.uint64]) -> Bits:
    """In as little memory as they fit."""
    return np.asarray(full.astype(np.min_scalar_type(full.max())))
