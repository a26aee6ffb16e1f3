"""Isolation trees as arrays: grown once, walked by many rows at a time.

Fei Tony Liu, Kai Ming Ting, Zhi-Hua Zhou: "Isolation Forest", ICDM 2008.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

UNIT = 2.0**32
"""Lengths are whole numbers of 1/UNIT splits, so that their sum does not depend on the order."""

ROWS_AT_ONCE = 256
"""Rows that walk all trees together: what they touch then stays in the processor's cache."""

_EULER = 0.5772156649015329


@dataclass(frozen=True, eq=False)
class Trees:
    """Full binary trees of one depth: node i has children 2i (value <= threshold) and 2i + 1.

    The root is node 1, and node 0 is none. Where a tree ends early, the nodes below have the
    threshold +inf and the same length: every row goes left and the path grows no longer.

    Parameters
    ----------
    dimension:
        Shape ``(T, leaves)`` int32: the coordinate a node asks.
    threshold:
        Shape ``(T, leaves)`` float64.
    length:
        Shape ``(T, 2 leaves)`` int64 in 1/`UNIT` splits: the mean length of paths through a node
        over the rows it was grown on; at a leaf, the length of the path.
    sample:
        Rows each tree was grown on.
    """

    dimension: NDArray[np.int32]
    threshold: NDArray[np.float64]
    length: NDArray[np.int64]
    sample: int

    def lengths(self, points: Points) -> NDArray[np.float64]:
        """Mean length of each row's paths, ``(n,)``: short is strange."""
        starts = range(0, len(points), ROWS_AT_ONCE)
        blocks = [self._totals(points[begin : begin + ROWS_AT_ONCE]) for begin in starts]
        return np.concatenate([np.empty(0, np.int64), *blocks]) / (UNIT * len(self.length))

    def scores(self, points: Points) -> NDArray[np.float64]:
        """``2 ** (-length / expected)`` in (0, 1): equation 2 of the paper."""
        expected = float(expected_length(np.array([self.sample]))[0])
        return np.exp2(-self.lengths(points) / expected)

    def shares(self, points: Points) -> NDArray[np.float64]:
        """As `shortened`, and nothing where a coordinate makes the path longer."""
        return np.maximum(self.shortened(points), 0.0)

    def shortened(self, points: Points) -> NDArray[np.float64]:
        """By how much each coordinate shortens a row's mean path, ``(n, d)``.

        A split shortens a path by the mean length at its node less that at the child. The parts add
        up to the mean length at the roots less the row's own.
        """
        saved = np.zeros(points.shape, np.int64)
        lines = np.arange(len(points))[:, None]
        walk = self._walk
        node = walk.roots(len(points))
        for _ in range(walk.depth):
            after = walk.below(points, node)
            np.add.at(saved, (lines, walk.dimension[node]), walk.length[node] - walk.length[after])
            node = after
        return saved / (UNIT * len(self.length))

    def pack(self) -> dict[str, NDArray[Any]]:
        arrays = {part.name: getattr(self, part.name) for part in fields(self)}
        return {**arrays, "sample": np.array([self.sample], np.int64)}

    @classmethod
    def unpack(cls, arrays: Mapping[str, NDArray[Any]]) -> Trees:
        shape = (arrays["dimension"], arrays["threshold"], arrays["length"])
        return cls(*shape, int(arrays["sample"][0]))

    @cached_property
    def _walk(self) -> _Walk:
        trees, leaves = self.threshold.shape
        none = ((0, 0), (0, leaves))
        first = 2 * leaves * np.arange(trees)[:, None]
        left = first + (2 * np.arange(2 * leaves)) % (2 * leaves)
        return _Walk(
            np.pad(self.dimension, none).astype(np.intp).ravel(),
            np.pad(self.threshold, none).ravel(),
            self.length.ravel(),
            left.ravel(),
            first.ravel() + 1,
            leaves.bit_length() - 1,
        )

    def _totals(self, points: Points) -> NDArray[np.int64]:
        walk = self._walk
        node = walk.roots(len(points))
        for _ in range(walk.depth):
            node = walk.below(points, node)
        return np.asarray(walk.length.take(node).sum(axis=1))


@dataclass(frozen=True, eq=False)
class _Walk:
    """The nodes of all trees in one row, so that a step down is four look-ups."""

    dimension: NDArray[np.intp]
    threshold: NDArray[np.float64]
    length: NDArray[np.int64]
    left: NDArray[np.intp]
    first: NDArray[np.intp]
    depth: int

    def roots(self, rows: int) -> NDArray[np.intp]:
        return np.broadcast_to(self.first, (rows, len(self.first)))

    def below(self, points: Points, node: NDArray[np.intp]) -> NDArray[np.intp]:
        asked = self.dimension.take(node)
        if len(points) > 1:
            asked += np.arange(0, points.size, points.shape[1])[:, None]
        after = self.left.take(node)
        after += points.take(asked) > self.threshold.take(node)
        return after


def expected_length(rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean length of an unsuccessful search in a random tree of so many rows: equation 1."""
    many = np.maximum(rows, 3) - 1.0
    found = 2 * (np.log(many) + _EULER) - 2 * many / (many + 1)
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, found))


def grow(points: Points, trees: int, sample: int) -> Trees:
    """Trees on random samples of the points, the same in every process.

    Parameters
    ----------
    points:
        Shape ``(n, d)``, finite.
    trees, sample:
        How many, and on how many of the points (without replacement) each is grown.
    """
    # RandomState's stream is frozen by numpy's policy; Generator's may change with a release.
    random = np.random.RandomState(0)
    size = min(sample, len(points))
    depth = max(1, int(np.ceil(np.log2(size))))
    grown = [
        _tree(points[random.permutation(len(points))[:size]], depth, random) for _ in range(trees)
    ]
    dimension, threshold, length = (np.stack(part) for part in zip(*grown, strict=True))
    return Trees(dimension, threshold, length, size)


def _tree(
    points: Points, depth: int, random: np.random.RandomState
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int64]]:
    leaves = 1 << depth
    dimension, threshold = np.zeros(leaves, np.int32), np.full(leaves, np.inf)
    node, lines = np.ones(len(points), np.intp), np.arange(len(points))
    counts = np.zeros(2 * leaves, np.int64)
    counts[1] = len(points)
    for _ in range(depth):
        here, asked, cuts = _splits(points, node, random)
        dimension[here], threshold[here] = asked, cuts
        node = 2 * node + (points[lines, dimension[node]] > threshold[node])
        counts += np.bincount(node, minlength=2 * leaves)
    return dimension, threshold, _lengths(counts, np.isfinite(threshold))


def _splits(
    points: Points, node: NDArray[np.intp], random: np.random.RandomState
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Nodes whose points differ; a random coordinate in which they do; a cut between its ends."""
    order = np.argsort(node, kind="stable")
    nodes, starts = np.unique(node[order], return_index=True)
    low = np.minimum.reduceat(points[order], starts)
    high = np.maximum.reduceat(points[order], starts)
    # The middle of two neighbouring floats can be the upper one; then nothing would be split off.
    differs = (low < high) & (low / 2 + high / 2 < high)
    chance, share = random.random_sample((2, len(nodes)))
    splits = differs.any(axis=1)
    wanted = np.floor(chance * differs.sum(axis=1)).astype(np.intp) + 1
    asked = (np.cumsum(differs, axis=1) >= wanted[:, None]).argmax(axis=1)
    lines = np.arange(len(nodes))
    begin, end = low[lines, asked], high[lines, asked]
    cuts = np.minimum(begin + share * (end - begin), np.nextafter(end, -np.inf))
    return nodes[splits], asked[splits], np.maximum(cuts, begin)[splits]


def _lengths(counts: NDArray[np.int64], splits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """From the leaves up: the mean of the children's, weighted by their points."""
    leaves = len(splits)
    steps = np.zeros(2 * leaves)
    for place in range(1, leaves):
        steps[2 * place : 2 * place + 2] = steps[place] + splits[place]
    length = steps + expected_length(counts)
    for place in range(leaves - 1, 0, -1):
        pair = slice(2 * place, 2 * place + 2)
        if splits[place]:
            length[place] = (length[pair] * counts[pair]).sum() / counts[place]
    # Below an early end all paths have its length, also those that no row takes.
    for place in range(1, leaves):
        if not splits[place]:
            length[2 * place : 2 * place + 2] = length[place]
    return np.rint(length * UNIT).astype(np.int64)
