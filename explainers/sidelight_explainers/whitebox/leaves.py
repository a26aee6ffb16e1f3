"""Leaves as sets of conditions: what each feature must do for a row to come there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.whitebox.reading import Floats, Ints
from sidelight_explainers.whitebox.trees import Trees

Bits = NDArray[np.unsignedinteger[Any]]

MOST = 63
"""Features on one path, so that its conditions fit the bits of one number."""


@dataclass(frozen=True, eq=False)
class Leaves:
    """All leaves of some trees.

    Each step of each path asks for one branch at one node: `node`, `branch` (e,), sorted by leaf
    and player. The steps of one player on one path are one condition; it begins among the steps
    at `conditions`, is of the leaf `whose` and the `player`, and is in sets of the leaf's
    conditions the `slot`-th `bit` (all (c,)). The conditions of a leaf begin at `starts`, `full`
    has the bits of them all, and `leaf` is its node (all (l,)).
    """

    trees: Trees
    node: Ints
    branch: NDArray[np.bool_]
    conditions: Ints
    whose: Ints
    player: Ints
    slot: Ints
    bit: Bits
    starts: Ints
    full: Bits
    leaf: Ints

    def held(self, table: Floats) -> Bits:
        """For rows (r, t) and leaves (r, l) the bits of the conditions that hold."""
        rows = self.trees.rounded(table)[:, self.trees.feature[self.node]]
        gone_left = rows <= self.trees.threshold[self.node]
        missing_left = self.trees.missing[self.node] == self.trees.left[self.node]
        gone_left = np.where(np.isnan(rows), missing_left, gone_left)
        holds = np.logical_and.reduceat(gone_left == self.branch, self.conditions, axis=1)
        return np.bitwise_or.reduceat(holds * self.bit, self.starts, axis=1)


def leaves_of(trees: Trees, owners: Ints) -> Leaves | None:
    """The leaves of the trees, where column t of the table belongs to player ``owners[t]``.

    Leaves without any condition (a tree that is one leaf) are left out: nobody moves them. None
    when a path has more players than `MOST`, or when there is no leaf left.
    """
    parent = np.full(len(trees.left), -1)
    inner = np.flatnonzero(trees.left >= 0)
    parent[trees.left[inner]] = inner
    parent[trees.right[inner]] = inner
    leaf = np.flatnonzero((trees.left < 0) & (parent >= 0))
    if not len(leaf):
        return None
    at, node, branch = _steps(trees, parent, leaf)
    owner = owners[trees.feature[node]]
    order = np.lexsort((owner, at))
    at, node, branch, owner = at[order], node[order], branch[order], owner[order]
    new = np.r_[True, (np.diff(at) != 0) | (np.diff(owner) != 0)]
    conditions = np.flatnonzero(new)
    starts = np.flatnonzero(np.r_[True, np.diff(at[conditions]) != 0])
    counts = np.diff(np.r_[starts, len(conditions)])
    if counts.max() > MOST:
        return None
    slot = np.arange(len(conditions)) - np.repeat(starts, counts)
    full = _bits((np.uint64(1) << counts.astype(np.uint64)) - np.uint64(1))
    bit = (np.uint64(1) << slot.astype(np.uint64)).astype(full.dtype)
    whose, player = at[conditions], owner[conditions]
    return Leaves(trees, node, branch, conditions, whose, player, slot, bit, starts, full, leaf)


def _bits(full: NDArray[np.uint64]) -> Bits:
    """In half the memory, where they fit."""
    return full.astype(np.uint32) if full.max() <= np.iinfo(np.uint32).max else full


def _steps(trees: Trees, parent: Ints, leaf: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """From every leaf up to its root: which leaf, the node above, and whether it went left."""
    ats, nodes, branches = [], [], []
    at, child = np.arange(len(leaf)), leaf
    while len(at):
        above = parent[child]
        ats.append(at)
        nodes.append(above)
        branches.append(trees.left[above] == child)
        on = parent[above] >= 0
        at, child = at[on], above[on]
    return np.concatenate(ats), np.concatenate(nodes), np.concatenate(branches)
