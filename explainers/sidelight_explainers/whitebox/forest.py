"""Exact interventional Shapley values of an ensemble of trees, from its leaves.

Of the mixtures of a row and a background row, those come to a leaf that have each of its
conditions from one that fulfils it. Let s of its conditions hold for the row only and m for the
background row only: if the others hold for both, each of the s has a share of
``value * (s-1)! m! / (s+m)!`` and each of the m of ``-value * s! (m-1)! / (s+m)!`` (Laberge &
Pequignot, "Understanding interventional TreeSHAP", 2022, theorem 3.2). What background rows fulfil
is known beforehand: rows that fulfil the same conditions of a leaf are counted together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.whitebox.leaves import MOST, Bits, Leaves, leaves_of
from sidelight_explainers.whitebox.reading import Floats, Ints
from sidelight_explainers.whitebox.trees import Trees

LARGEST = 12_000_000
"""Leaves times background rows, and conditions that they lack (8 bytes each): a larger forest takes
too long to prepare, and too much memory."""
ROWS = 16
"""Rows looked at in one piece, which bounds memory."""


@dataclass(frozen=True, eq=False)
class Forest:
    """One output of some trees, with a background.

    Background rows fulfil different sets of a leaf's conditions; `sets` (l,) is how many of them
    each leaf has, one leaf's after the other's. `lacks` (q,) are the conditions that are not in a
    set, `share` (q,) is the share of background rows with just this set. The players of the
    conditions that are lacked stand one set after the other in `lackers`, from `first` (q,) on,
    `count` (q,) of them. `value` (l,) is what a leaf is worth.
    """

    leaves: Leaves
    sets: Ints
    lacks: Bits
    share: Floats
    lackers: Ints
    first: Ints
    count: Ints
    value: Floats
    offset: float
    base: float
    players: int

    estimator: ClassVar[str] = "tree"

    def values(self, table: Floats) -> Floats:
        """The output (r,) of rows (r, t)."""
        there = [one == self.leaves.full for one in _held(self.leaves, table)]
        return np.asarray(self.offset + np.concatenate(there) @ self.value)

    def contributions(self, row: Floats) -> Floats:
        """Shapley values (p,) of one row (1, t)."""
        met = self.leaves.met(row)
        own = self.leaves.held(met)[0]
        missed = np.flatnonzero(~met[0])
        whose, player = self.leaves.whose[missed], self.leaves.player[missed]
        reached = np.flatnonzero((self.lacks & np.repeat(~own, self.sets)) == 0)
        at = np.searchsorted(np.cumsum(self.sets), reached, side="right")
        s, m = self.count[reached], np.bincount(whose, minlength=len(own))[at]
        worth = self.value[at] * self.share[reached]
        lackers = self.lackers[_ranges(self.first[reached], s)]
        gains = np.bincount(lackers, np.repeat(worth * SHARES[s, m], s), self.players)
        lost = np.bincount(at, worth * SHARES[m, s], len(own))[whose]
        return np.asarray(gains - np.bincount(player, lost, self.players))


def _held(leaves: Leaves, table: Floats) -> Iterator[Bits]:
    """What some rows after the other hold of the leaves' conditions, (r, l) of all together."""
    pieces = np.array_split(table, max(1, len(table) // ROWS))
    return (leaves.held(leaves.met(piece)) for piece in pieces)


def _ranges(starts: Ints, lengths: Ints) -> Ints:
    """Numbers from each start on, so many of each, one range after the other."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)


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
    held = np.concatenate(list(_held(leaves, background)))
    sets, lacks, share = _counted(leaves.full & ~held)
    lacking = _lackers(leaves, sets, lacks)
    if lacking is None:
        return ()
    lackers, count = lacking
    first = np.cumsum(count) - count
    there = (held == leaves.full).mean(axis=0)
    lone = trees.offset + trees.values[trees.roots[trees.left[trees.roots] < 0]].sum(axis=0)
    values = trees.values[leaves.leaf]
    known = (leaves, sets, lacks, share, lackers, first, count)
    return tuple(
        Forest(*known, values[:, k], lone[k], base, players)
        for k, base in enumerate((lone + there @ values).tolist())
    )


def _counted(sets: Bits) -> tuple[Ints, Bits, Floats]:
    """Of sets (b, l): how many different ones each leaf has, which, and each one's share."""
    ordered = np.sort(sets.T, axis=1)
    new = np.ones(ordered.shape, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.flatnonzero(new)
    counts = np.diff(np.r_[first, ordered.size])
    return new.sum(axis=1), ordered.reshape(-1)[first], counts / len(sets)


def _lackers(leaves: Leaves, sets: Ints, lacks: Bits) -> tuple[Ints, Ints] | None:
    """The players of the conditions in each set, and how many each has (q,); None where there are
    too many."""
    starts = np.repeat(leaves.starts, sets)
    places, whose, found = [], [], 0
    for slot in range(int(leaves.slot.max()) + 1):
        of_slot = np.flatnonzero((lacks >> np.uint64(slot)) & np.uint64(1))
        found += len(of_slot)
        if found > LARGEST:
            return None
        places.append(of_slot)
        whose.append(leaves.player[starts[of_slot] + slot])
    place = np.concatenate(places)
    lackers = np.concatenate(whose)[np.argsort(place, kind="stable")]
    return lackers, np.bincount(place, minlength=len(lacks))
