"""Exact interventional Shapley values of an ensemble of trees, from its leaves.

Of the mixtures of a row and a background row, those come to a leaf that have each of its
conditions from one that fulfils it. Let s of its conditions hold for the row only and m for the
background row only: if the others hold for both, each of the s has a share of
``value * (s-1)! m! / (s+m)!`` and each of the m of ``-value * s! (m-1)! / (s+m)!`` (Laberge &
Pequignot, "Understanding interventional TreeSHAP", 2022, theorem 3.2). What background rows fulfil
is known beforehand: rows that fulfil the same conditions of a leaf are counted together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from sidelight_explainers.whitebox.leaves import MOST, Bits, Leaves, leaves_of
from sidelight_explainers.whitebox.reading import Floats, Ints
from sidelight_explainers.whitebox.trees import Trees

LARGEST = 12_000_000
"""Leaves times background rows, and conditions that they lack (12 bytes each): a larger forest
takes too long to prepare, and too much memory."""
ROWS = 16
"""Rows looked at in one piece, which bounds memory."""


@dataclass(frozen=True, eq=False)
class Forest:
    """One output of some trees, with a background.

    `at` (q,) are leaves in order, `held` (q,) sets of their conditions, `lacking` (q,) how many
    are not in the set, `lacks` (c, q) which, and `share` (q,) the share of background rows that
    fulfil just the set. `value` (l,) is what a leaf is worth.
    """

    leaves: Leaves
    at: Ints
    held: Bits
    lacking: Ints
    lacks: csr_array
    share: Floats
    value: Floats
    offset: float
    base: float
    players: int

    estimator: ClassVar[str] = "tree"

    def values(self, table: Floats) -> Floats:
        """The output (r,) of rows (r, t)."""
        pieces = np.array_split(table, max(1, len(table) // ROWS))
        there = [self.leaves.held(piece) == self.leaves.full for piece in pieces]
        return np.asarray(self.offset + np.concatenate(there) @ self.value)

    def contributions(self, row: Floats) -> Floats:
        """Shapley values (p,) of one row (1, t)."""
        leaves, own = self.leaves, self.leaves.held(row)[0]
        of_row = (own[leaves.whose] & leaves.bit).astype(bool)
        missed = np.add.reduceat(~of_row, leaves.starts, dtype=np.intp)
        reached = np.flatnonzero((own[self.at] | self.held) == leaves.full[self.at])
        at = self.at[reached]
        worth, s, m = self.value[at] * self.share[reached], self.lacking[reached], missed[at]
        gains = np.zeros(len(self.at))
        gains[reached] = worth * SHARES[s, m]
        losses = np.bincount(at, worth * SHARES[m, s], minlength=len(own))
        moved = self.lacks @ gains - np.where(of_row, 0.0, losses[leaves.whose])
        return np.asarray(np.bincount(leaves.player, moved, minlength=self.players), np.float64)


def _shares() -> NDArray[np.float64]:
    table = np.zeros((MOST + 1, MOST + 1))
    for s in range(1, MOST + 1):
        for m in range(MOST + 1 - s):
            table[s, m] = factorial(s - 1) * factorial(m) / factorial(s + m)
    return table


SHARES = _shares()
"""``SHARES[s, m]`` is (s-1)! m! / (s+m)!, and 0 where s is 0."""


def forests(trees: Trees, background: Floats, owners: Ints, players: int) -> tuple[Forest, ...]:
    """A forest an output, over background rows (b, t); none where there is too much to keep."""
    leaves = leaves_of(trees, owners)
    if leaves is None or len(leaves.leaf) * len(background) > LARGEST:
        return ()
    pieces = np.array_split(background, max(1, len(background) // ROWS))
    held = np.concatenate([leaves.held(piece) for piece in pieces])
    at, sets, share = _counted(held)
    lacks = _lacks(leaves, at, sets)
    if lacks is None:
        return ()
    lacking = np.asarray(lacks.sum(axis=0), np.intp)
    there = (held == leaves.full).mean(axis=0)
    lone = trees.offset + trees.values[trees.roots[trees.left[trees.roots] < 0]].sum(axis=0)
    values = trees.values[leaves.leaf]
    return tuple(
        Forest(leaves, at, sets, lacking, lacks, share, values[:, k], lone[k], base, players)
        for k, base in enumerate((lone + there @ values).tolist())
    )


def _counted(held: Bits) -> tuple[Ints, Bits, Floats]:
    """Of sets (b, l): which leaves, the different sets of each, and the share of rows with it."""
    ordered = np.sort(held.T, axis=1)
    new = np.ones(ordered.shape, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.flatnonzero(new)
    counts = np.diff(np.r_[first, ordered.size])
    return first // len(held), ordered.reshape(-1)[first], counts / len(held)


def _lacks(leaves: Leaves, at: Ints, sets: Bits) -> csr_array | None:
    """Which condition (c,) is not in which set (q,); None where there are too many."""
    slots = int(leaves.slot.max()) + 1
    rows, columns, found = [], [], 0
    for slot in range(slots):
        bit = np.uint64(1) << np.uint64(slot)
        lacking = np.flatnonzero((leaves.full[at] & ~sets & bit) != 0)
        found += len(lacking)
        if found > LARGEST:
            return None
        rows.append(leaves.starts[at[lacking]] + slot)
        columns.append(lacking)
    where = np.concatenate(rows).astype(np.int32), np.concatenate(columns).astype(np.int32)
    return coo_array((np.ones(found), where), (len(leaves.bit), len(at))).tocsr()
