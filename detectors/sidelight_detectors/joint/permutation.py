"""The permutation test of the maximum mean discrepancy, all permutations in one matrix product.

Which rows a permutation puts into the second sample is a column of zeros and ones. With K the
kernel of all rows, ``K @ columns`` holds for every permutation what its three sums of kernel values
need: one product in place of a copy of K for each permutation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1000
"""Rows of the kernel that are held at once."""

_ROUNDING = 1e-12
"""Statistics closer than this are equal: sums of kernel values in another order."""


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """`statistic` is the unbiased squared MMD (it may be below 0); `effect` its root, 0 below 0.

    `p_value` is ``(1 + #{permuted >= observed}) / (1 + permutations)``: at most t with probability
    at most t for rows that are exchangeable, in finite samples.
    """

    statistic: float
    p_value: float
    effect: float
    rows: int
    reference_rows: int
    permutations: int


def permutation_mmd(
    reference: NDArray[np.float64],
    window: NDArray[np.float64],
    permutations: int = 1000,
    seed: int = 0,
    width: float | None = None,
) -> PermutationTest:
    """Whether two samples come from one distribution.

    The statistic is that of alibi-detect's `MMDDrift`: unbiased, kernel ``exp(-d^2 / 2 s^2)``, with
    ``2 s^2`` the median squared distance within the reference unless `width` gives it.

    Parameters
    ----------
    reference, window:
        Shape ``(m, d)`` and ``(n, d)``, at least two rows each.
    permutations:
        No p-value is below ``1 / (permutations + 1)``.

    Raises
    ------
    ValueError
        A sample with fewer than two rows, or samples of different width.
    """
    if min(len(reference), len(window)) < 2 or reference.shape[1:] != window.shape[1:]:
        raise ValueError(f"samples of shapes {reference.shape} and {window.shape} do not compare")
    rows = np.concatenate([reference, window]).astype(np.float64, copy=False)
    members = _members(len(reference), len(window), permutations, seed)
    width = width or median_width(reference)
    statistics = _statistics(rows, members, width)
    above = int((statistics[1:] >= statistics[0] - _ROUNDING).sum())
    statistic = float(statistics[0])
    p_value = (1 + above) / (1 + permutations)
    effect = max(statistic, 0.0) ** 0.5
    return PermutationTest(statistic, p_value, effect, len(window), len(reference), permutations)


def median_width(rows: NDArray[np.float64]) -> float:
    """Median squared distance of pairs of rows (the lower one of two); 1 where it is 0."""
    distances = np.concatenate([block for _, block in _distances(rows)])
    distances = distances[~np.eye(len(rows), dtype=bool)]
    # The order statistic that alibi-detect takes, which counts every pair twice.
    place = max(len(distances) // 2 - 1, 0)
    return float(np.partition(distances, place)[place]) or 1.0


def _members(m: int, n: int, permutations: int, seed: int) -> NDArray[np.float64]:
    """Shape ``(m + n, 1 + permutations)``: 1 for rows of the second sample, first as observed."""
    draw = np.random.RandomState(seed)
    members = np.zeros((m + n, 1 + permutations))
    members[m:, 0] = 1
    for place in range(1, 1 + permutations):
        members[draw.permutation(m + n)[:n], place] = 1
    return members


def _statistics(
    rows: NDArray[np.float64], members: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    second, total, touching = np.zeros(members.shape[1]), 0.0, np.zeros(members.shape[1])
    for begin, block in _distances(rows):
        kernel = np.exp(block / -width, out=block)
        kernel[np.arange(len(kernel)), begin + np.arange(len(kernel))] = 0
        sums, own = kernel.sum(axis=1), members[begin : begin + len(kernel)]
        second += np.einsum("ij,ij->j", own, kernel @ members)
        touching += sums @ own
        total += float(sums.sum())
    n = int(members[:, 0].sum())
    m = len(members) - n
    between = touching - second
    first = total - second - 2 * between
    return first / (m * (m - 1)) + second / (n * (n - 1)) - 2 * between / (m * n)


def _distances(rows: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Squared distances of blocks of rows to all rows, with each block's first row."""
    squares = (rows**2).sum(axis=1)
    for begin in range(0, len(rows), _BLOCK):
        block = rows[begin : begin + _BLOCK]
        distances = -2 * block @ rows.T
        distances += squares
        distances += squares[begin : begin + _BLOCK, None]
        yield begin, np.maximum(distances, 0, out=distances)
