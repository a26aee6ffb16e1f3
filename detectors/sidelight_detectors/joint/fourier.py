"""Random Fourier features of rows, straight from their cells.

The kernel is Gaussian on the points of `sidelight_detectors.joint.embedding`. A feature is the
cosine or sine of a random projection of the row's point. Each cell of a column contributes a fixed
angle to each projection, so a row's angle is a sum of one table entry a column: with 2^16 steps to
the turn that sum wraps by itself, is exact in any order, and asks nothing of the values.

Ali Rahimi, Benjamin Recht: "Random Features for Large-Scale Kernel Machines", NIPS 2007.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.cells import CellIndex
from sidelight_detectors.contract import Sums
from sidelight_detectors.joint.embedding import UNIT, Embedding

TURN = 1 << 16
"""Steps of a whole turn."""

SCALE = 127
"""What a cosine of 1 is worth: features are rounded to one byte."""

_BLOCK = 1000
_FINE = 12
"""Binary digits kept of an angle below one step, while it is multiplied by a score."""

_ANGLES = np.arange(TURN) * (2 * np.pi / TURN)
_COSINES = np.rint(SCALE * np.cos(_ANGLES)).astype(np.int8)
_SINES = np.rint(SCALE * np.sin(_ANGLES)).astype(np.int8)


@dataclass(frozen=True, eq=False)
class FourierFeatures:
    """`D` projections of rows, as `D` cosines and `D` sines.

    Parameters
    ----------
    angles:
        For each column of the embedding the angles of its cells, ``(cells, D)`` uint16 in steps of
        1/`TURN` turn.
    """

    angles: tuple[NDArray[np.uint16], ...]

    @property
    def size(self) -> int:
        """Numbers a row has: cosines, then sines."""
        return 2 * int(self.angles[0].shape[1])

    def sums(self, own: CellIndex) -> Sums:
        """Of the features of all rows, ``(2D,)``: integers, the same under any cut and order."""
        total = np.zeros(self.size, np.int64)
        for block in self.blocks(own):
            total += block.sum(axis=0, dtype=np.int64)
        return total

    def blocks(self, own: CellIndex) -> Iterator[NDArray[np.int8]]:
        """The features of the rows in 1/`SCALE`, ``(<= 1000, 2D)`` a block."""
        for begin in range(0, len(own), _BLOCK):
            angles = self._angles(own[begin : begin + _BLOCK])
            yield np.concatenate([_COSINES.take(angles), _SINES.take(angles)], axis=1)

    def _angles(self, own: CellIndex) -> NDArray[np.uint16]:
        total = np.zeros((len(own), self.size // 2), np.uint16)
        part = np.empty_like(total)
        for table, cells in zip(self.angles, own.T, strict=True):
            table.take(cells, axis=0, out=part, mode="clip")
            total += part
        return total


def fourier_features(
    embedding: Embedding, median: int, projections: int, seed: int
) -> FourierFeatures:
    """Features of the kernel ``exp(-d^2 / median)``.

    Parameters
    ----------
    median:
        Median squared distance of rows in 1/`UNIT` squared.
    projections:
        D; the kernel is approximated to about ``1 / sqrt(D)``.
    """
    draw = np.random.RandomState(seed)
    # A Gaussian kernel of this width has normal frequencies; one radian is TURN / 2 pi steps.
    step = np.sqrt(2.0 / median) * UNIT * TURN / (2 * np.pi)
    tables = []
    for scores, axes in zip(embedding.scores, embedding.axes, strict=True):
        slope = draw.standard_normal(projections) * step * (1 << _FINE) / UNIT
        table = scores[:, None] * np.rint(slope).astype(np.int64) >> _FINE
        table[axes] = np.rint(draw.standard_normal((int(axes.sum()), projections)) * step)
        tables.append((table % TURN).astype(np.uint16))
    return FourierFeatures(tuple(tables))
