"""An order for categories, such that neighbours are alike in everything else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns
from sidelight_explainers.curves.grids import Grid

Floats = NDArray[np.float64]


def by_nearness(grid: Grid, rows: Columns, ordered: frozenset[str]) -> Grid:
    """The categories of a grid along the line that keeps their distances best.

    The distance of two categories is the sum over the other features of the Kolmogorov-Smirnov
    distance (numbers) or total variation (categories) between the rows that have them, and the
    line is the first axis of classical scaling (Apley & Zhu 2020, appendix E). It begins with the
    end that holds the more frequent category.
    """
    name = grid.points.name
    known = rows[name].known()
    members = [known & (rows[name].values == point) for point in grid.points.values]
    if len(members) < 3:
        return grid
    others = [one for one in rows if one.name != name and not one.is_tensor]
    apart = np.zeros((len(members), len(members)))
    for column in others:
        apart += _apart(column, members, column.name in ordered)
    order = np.argsort(_first_axis(apart), kind="stable")
    if np.flatnonzero(order == 0)[0] > (len(order) - 1) / 2:
        order = order[::-1]
    return Grid(grid.points.take(order), False)


def _apart(column: Column, members: list[NDArray[np.bool_]], ordered: bool) -> Floats:
    """(g, g) by how much the column is distributed differently in the categories."""
    there = column.known()
    _, codes = np.unique(column.values[there], return_inverse=True)
    codes = codes.reshape(-1)
    counts = np.stack([np.bincount(codes[one[there]], minlength=there.sum()) for one in members])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    if ordered:
        summed = np.cumsum(shares, axis=1)
        return _pairs(summed, lambda gaps: gaps.max(axis=1))
    return _pairs(shares, lambda gaps: gaps.sum(axis=1) / 2)


def _pairs(shares: Floats, apart: Callable[[Floats], Floats]) -> Floats:
    return np.stack([apart(np.abs(shares - one)) for one in shares])


def _first_axis(apart: Floats) -> Floats:
    """Where points at these distances (g, g) lie along the line that keeps them best."""
    centred = np.eye(len(apart)) - 1 / len(apart)
    _, vectors = np.linalg.eigh(-centred @ (apart**2) @ centred / 2)
    return np.asarray(vectors[:, -1])
