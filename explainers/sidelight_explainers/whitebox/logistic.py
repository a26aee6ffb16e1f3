"""Exact Shapley values of a logistic regression's probability.

The probability is the logistic function of a sum, which is no sum. But a wave of the sum is a
product over the players, and the mean of a product over random coalitions is a product of means.
So the logistic function is written as a sum of waves, exact to `ERROR` wherever the sum can come;
and the mean over coalitions of every size is the integral, over t in 0..1, of the mean over
coalitions that each player joins with probability t (Owen, Management Science 1972, eq. 4), which
is a polynomial in t and integrated exactly by Gauss and Legendre's rule.

The waves: ``tanh(u/2)`` repeated with alternating sign every L has the Fourier series
``sum over odd q of 4 pi / (L sinh(pi w)) sin(w u)`` with ``w = pi q / L`` (Poisson's sum of its
transform ``-2 pi i / sinh(pi w)``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sidelight_explainers.whitebox.linear import Linear
from sidelight_explainers.whitebox.reading import Floats

ERROR = 1e-9
CELLS = 200_000
"""Complex numbers held at one time: few, so that they stay near the processor."""


@dataclass(frozen=True, eq=False)
class Logistic:
    """``sign`` 1: the probability ``1 / (1 + exp(-sum))``; -1: one minus that."""

    sum: Linear
    sign: int

    estimator: ClassVar[str] = "logistic"

    @property
    def base(self) -> float:
        return float(self.values(self.sum.background).mean())

    def values(self, table: Floats) -> Floats:
        return np.asarray((1 + np.tanh(self.sign * self.sum.values(table) / 2)) / 2)

    def contributions(self, row: Floats) -> Floats:
        moves, start = self.sum.moves(row), self.sum.values(self.sum.background)
        frequencies, heights = _waves(_reach(start, moves))
        nodes, weights = _rule(self.sum.players)
        total = np.zeros(self.sum.players)
        for part in _parts(len(moves), moves.shape[1] * len(frequencies) * len(nodes)):
            angle = frequencies[:, None] * moves[part][:, None, :]
            turned = np.exp(1j * angle) - 1
            means = 1 + nodes[:, None] * turned[:, :, None, :]
            product = weights * means.prod(axis=3)
            half = (product[..., None] / means).sum(axis=2)
            rest = np.exp(1j * (angle.sum(axis=2, keepdims=True) - angle))
            others = half + rest * half.conj()
            first = np.exp(1j * frequencies * start[part][:, None])
            total += ((heights * first)[..., None] * turned * others).imag.sum(axis=(0, 1))
        return np.asarray(self.sign * total / (2 * len(moves)))


def _reach(start: Floats, moves: Floats) -> float:
    """The largest size that the sum of any coalition can have."""
    above = start + np.maximum(moves, 0).sum(axis=1)
    below = start + np.minimum(moves, 0).sum(axis=1)
    return float(max(np.abs(above).max(), np.abs(below).max()))


def _waves(reach: float) -> tuple[Floats, Floats]:
    """Frequencies (k,) and heights (k,) of sines that add up to tanh(u/2) for |u| <= `reach`."""
    length = reach - math.log(ERROR / 2)
    highest = -math.log(ERROR / 8) / math.pi
    frequencies = np.pi / length * np.arange(1, highest * length / math.pi + 2, 2)
    return frequencies, 4 * np.pi / (length * np.sinh(np.pi * frequencies))


def _rule(players: int) -> tuple[Floats, Floats]:
    """Nodes and weights on 0..1/2 of a rule on 0..1, exact for polynomials of degree ``players``.

    The other half mirrors it: there a mean of a wave is its conjugate's, turned once more. An even
    number of nodes keeps 1/2 out, the only place where a mean of waves can be zero.
    """
    half = math.ceil((players + 1) / 4)
    nodes, weights = np.polynomial.legendre.leggauss(2 * half)
    return (nodes[:half] + 1) / 2, weights[:half] / 2


def _parts(rows: int, cells_a_row: int) -> Iterator[slice]:
    size = max(1, CELLS // max(cells_a_row, 1))
    return (slice(at, at + size) for at in range(0, rows, size))
