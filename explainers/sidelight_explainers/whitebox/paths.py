"""What the paths to the leaves ask of each column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.whitebox.reading import Floats, Ints
from sidelight_explainers.whitebox.trees import Trees


@dataclass(frozen=True, eq=False)
class Borders:
    """What each path asks of each column on it (all (e,)), sorted by path and the column's player.

    A number of `column` passes that is at most `upto` and not at most `above` (NaN where there is
    no such border), NaN passes where `missing` says so. `path` numbers the leaves it leads to.
    """

    path: Ints
    column: Ints
    above: Floats
    upto: Floats
    missing: NDArray[np.bool_]

    def passed(self, rows: Floats) -> NDArray[np.bool_]:
        """By which of the rows (r, t), as the trees round them, which borders (r, e)."""
        numbers = rows[:, self.column]
        passed = (numbers <= self.upto) > (numbers <= self.above)
        return passed | (np.isnan(numbers) & self.missing) if np.isnan(rows).any() else passed


@dataclass(frozen=True, eq=False)
class _Steps:
    """Of each step of each path (all (e,)): which `path`, the `node` above, whether it goes `left`
    from there."""

    path: Ints
    node: Ints
    left: NDArray[np.bool_]


def leaves_below(trees: Trees) -> Ints:
    """The leaves that have a node above them."""
    return np.flatnonzero((trees.left < 0) & (_parents(trees) >= 0))


def borders(trees: Trees, leaf: Ints, owners: Ints) -> Borders:
    """On the paths to those leaves, where column t belongs to player ``owners[t]``."""
    steps = _steps(trees, _parents(trees), leaf)
    column = trees.feature[steps.node]
    order = np.lexsort((column, owners[column], steps.path))
    path, node, left, column = (
        steps.path[order],
        steps.node[order],
        steps.left[order],
        column[order],
    )
    threshold = trees.threshold[node]
    stays = (trees.missing[node] == trees.left[node]) == left
    first = changes(path, column)
    return Borders(
        path[first],
        column[first],
        np.fmax.reduceat(np.where(left, np.nan, threshold), first),
        np.minimum.reduceat(np.where(left, threshold, np.inf), first),
        np.logical_and.reduceat(stays, first),
    )


def changes(*keys: Ints) -> Ints:
    """Where any of the keys, none of them negative, is another than before."""
    return np.flatnonzero(np.logical_or.reduce([np.diff(key, prepend=-1) != 0 for key in keys]))


def _parents(trees: Trees) -> Ints:
    """The node above each node, -1 for none."""
    parent = np.full(len(trees.left), -1)
    inner = np.flatnonzero(trees.left >= 0)
    parent[trees.left[inner]] = inner
    parent[trees.right[inner]] = inner
    return parent


def _steps(trees: Trees, parent: Ints, leaf: Ints) -> _Steps:
    """From every leaf up to its root."""
    ats, nodes, lefts = [], [], []
    at, child = np.arange(len(leaf)), leaf
    while len(at):
        above = parent[child]
        ats.append(at)
        nodes.append(above)
        lefts.append(trees.left[above] == child)
        on = parent[above] >= 0
        at, child = at[on], above[on]
    return _Steps(np.concatenate(ats), np.concatenate(nodes), np.concatenate(lefts))
