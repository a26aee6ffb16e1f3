"""Exact Shapley values of a logistic regression's probability.

The probability is the logistic function of a sum, which is no sum. But a wave of the sum is a
product over the players, and the mean of a product over random coalitions is a product of means.
So the logistic function is written as a sum of waves, exact to `ERROR` wherever the sum can come;
and the mean over coalitions of every size is the integral, over t in 0..1, of the mean over
coalitions that each player joins with probability t (Owen, Management Science 1972, eq. 4), which
is a polynomial in t and integrated exactly by Gauss and Legendre's rule.

A player that moves the sum by m turns a wave of frequency w by the angle ``2 a = w m``. Where it
joins with probability ``t = (1 + u) / 2`` the mean wave is ``exp(i a) (cos a + i u sin a)``, and
what it adds, ``2 i exp(i a) sin a``, meets the product of the others' means. At -u that product
without its turns is the conjugate of that at u, so that only real parts are left.

The waves: ``tanh(u/2)`` repeated with alternating sign every L has the Fourier series
``sum over odd q of 4 pi / (L sinh(pi w)) sin(w u)`` with ``w = pi q / L`` (Poisson's sum of its
transform ``-2 pi i / sinh(pi w)``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from sidelight_explainers.whitebox.linear import Linear
from sidelight_explainers.whitebox.reading import Floats

ERROR = 1e-8
CELLS = 16_000
"""Angles looked at in one piece: few, so that they stay near the processor."""


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
        total = np.zeros(self.sum.players)
        for part in _parts(len(moves), moves.shape[1] * len(frequencies)):
            middle = start[part] + moves[part].sum(axis=1) / 2
            waves = heights[:, None] * np.cos(frequencies[:, None] * middle)
            total += _gains(*_turns(moves[part].T, frequencies), waves)
        return np.asarray(self.sign * total / len(moves))


def _turns(moves: Floats, frequencies: Floats) -> tuple[Floats, Floats]:
    """Cosines and sines (p, k, b) of ``a`` for moves (p, b) and odd multiples of a frequency."""
    turns = np.empty((len(moves), len(frequencies), moves.shape[1]), complex)
    turns[:, 0] = np.exp(0.5j * frequencies[0] * moves)
    turns[:, 1:] = np.exp(1j * frequencies[0] * moves)[:, None]
    np.multiply.accumulate(turns, axis=1, out=turns)
    return np.ascontiguousarray(turns.real), np.ascontiguousarray(turns.imag)


def _gains(cos: Floats, sin: Floats, waves: Floats) -> Floats:
    """What each player adds to the waves (k, b) in the mean over coalitions, all together (p,)."""
    total, short, means = np.zeros(cos.shape), sin**2, cos.astype(complex)
    for node, weight in zip(*_rule(len(cos)), strict=True):
        np.multiply(sin, node, out=means.imag)
        product = weight * waves * np.multiply.reduce(means, axis=0)
        others = product.real * cos
        others += node * product.imag * sin
        others /= 1 - (1 - node**2) * short
        total += others
    return np.asarray(np.einsum("pkb,pkb->p", total, sin))


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


@cache
def _rule(players: int) -> tuple[Floats, Floats]:
    """Nodes u in 0..1 and weights of a rule on -1..1 for functions that mirror themselves at zero,
    exact for polynomials of degree ``players``.

    An even number of nodes, of which these are half, keeps zero out, the only place where the mean
    of a wave can be zero.
    """
    half = math.ceil((players + 1) / 4)
    nodes, weights = np.polynomial.legendre.leggauss(2 * half)
    return nodes[half:], weights[half:]


def _parts(rows: int, cells_a_row: int) -> Iterator[slice]:
    size = max(1, CELLS // max(cells_a_row, 1))
    return (slice(at, at + size) for at in range(0, rows, size))
