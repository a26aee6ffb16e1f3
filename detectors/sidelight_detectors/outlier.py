"""ECOD: how far out in the tails of the reference a row lies, column by column.

Zheng Li, Yue Zhao, Xiyang Hu, Nicola Botta, Cezar Ionescu, George Chen: "ECOD: Unsupervised Outlier
Detection Using Empirical Cumulative Distribution Functions", IEEE TKDE 2022, arXiv:2201.00382.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column
from sidelight_detectors.cells import CellIndex, Counts, NumericCells, numbers_of
from sidelight_detectors.conformal import Conformal, require_resolution
from sidelight_detectors.contract import Observation, Packed, RowScores
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.packing import integers
from sidelight_detectors.split import held_out

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

P_VALUE_BINS = 20
"""Bins of equal width over the conformal p-values (0, 1]."""

UNIT = 2.0**32
"""Scores are whole numbers of 1/UNIT nats, so that sums do not depend on their order."""


@dataclass(frozen=True, eq=False)
class Ecod:
    """Tail scores of each cell, for one reference.

    For a value z of a numeric column, with F over the reference rows and this row itself,
    ``left = -log P(X <= z)`` and ``right = -log P(X >= z)``. A row's score is the largest of three
    sums over columns: of all left tails, of all right tails, and of the tail the column's skewness
    points to. Within a coarse gap the whole gap counts, which
    understates the tail by at most the gap's mass. Categories, NaN and null have no order: both
    tails are ``-log`` of their share. What the reference never held scores ``log(n + 1)``, the most
    a column can give.

    Sees: single values that are rare or extreme, and many mild ones on the same side. Misses:
    ordinary values in an impossible combination.

    Parameters
    ----------
    tails:
        Shape ``(3, cells + 1)`` int64 in 1/`UNIT` nats: left, right, skewness's choice; the last
        cell stands for a column that was not observed and is 0.
    """

    grid: Grid
    tails: NDArray[np.int64]

    def aggregates(self, cells: CellIndex) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The three sums of each row, ``(3, n)``, and their parts, ``(3, F, n)``."""
        parts = self.tails.take(self.grid.places(cells).T, axis=1)
        return parts.sum(axis=1), parts


def skewed_left(column: Column, rows: NDArray[np.bool_]) -> bool:
    """Whether the column's third central moment over finite values of `rows` is negative."""
    if column.kind not in ("number", "boolean", "time"):
        return False
    values, valid = numbers_of(column)
    kept = rows & np.isfinite(values)
    present = values[kept if valid is None else kept & valid]
    largest = np.abs(present).max(initial=0.0)
    if largest == 0.0:
        return False
    centred = present / largest
    centred -= centred.mean()
    return bool(np.mean(centred**3) < -1e-12 * np.mean(np.abs(centred) ** 3))


def fit_ecod(grid: Grid, features: int, counts: Counts, left_skewed: NDArray[np.bool_]) -> Ecod:
    """Tables from the counts of the fitting rows.

    Parameters
    ----------
    features:
        The first so many columns are scored; a model's outputs, which come after, are not.
    counts:
        Flat, ``(cells,)``.
    left_skewed:
        Shape ``(features,)``; see `skewed_left`.
    """
    nats = np.zeros((3, grid.size + 1))
    parts = grid.split(counts)
    for position, left in enumerate(left_skewed[:features]):
        column, part = grid.columns[position], parts[position]
        begin, end = grid.starts[position : position + 2]
        nats[:, begin:end] = (
            _numeric_tails(part, column.missing, bool(left))
            if isinstance(column, NumericCells)
            else _surprise(part, part.sum())
        )
    return Ecod(grid, np.rint(nats * UNIT).astype(np.int64))


def _numeric_tails(counts: Counts, missing: slice, left_skewed: bool) -> NDArray[np.float64]:
    ordered = counts[: missing.start]
    present = ordered.sum()
    left = _surprise(np.cumsum(ordered), present)
    right = _surprise(np.cumsum(ordered[::-1])[::-1], present)
    tails = np.stack([left, right, left if left_skewed else right])
    rare = np.tile(_surprise(counts[missing], counts.sum()), (3, 1))
    return np.concatenate([tails, rare], axis=1)


def _surprise(counts: Counts, total: np.int64) -> NDArray[np.float64]:
    return -np.log((counts + 1) / (total + 1))


@dataclass(frozen=True, eq=False)
class OutlierDetector:
    """ECOD fitted on one part of the reference, conformal p-values calibrated on the other.

    Parameters
    ----------
    counts:
        Flat counts of the fitting part.
    left_skewed:
        Shape ``(features,)``.
    calibration:
        Sorted scores of the held-out part, in 1/`UNIT` nats.
    """

    grid: Grid
    counts: Counts
    left_skewed: NDArray[np.bool_]
    calibration: NDArray[np.int64]
    rate: float

    @cached_property
    def _ecod(self) -> Ecod:
        return fit_ecod(self.grid, len(self.left_skewed), self.counts, self.left_skewed)

    @property
    def size(self) -> int:
        """Rows flagged, then how many p-values fell into each bin."""
        return 1 + P_VALUE_BINS

    def observe(self, rows: Indexed) -> Observation:
        scores = self.score(rows.cells)
        bins = np.ceil(scores.p_values * P_VALUE_BINS).astype(np.int64) - 1
        histogram = np.bincount(bins, minlength=P_VALUE_BINS)
        sums = np.concatenate([[scores.flagged.sum()], histogram]).astype(np.int64)
        return Observation(sums, scores)

    def pack(self) -> Packed:
        arrays = {"counts": self.counts, "left_skewed": self.left_skewed}
        # Scores follow from these, and their last bits from the platform.
        return Packed({"rate": self.rate}, arrays, {"calibration": self.calibration})

    def score(self, cells: CellIndex) -> RowScores:
        """Scores in nats, p-values, and each column's part of the winning sum."""
        sums, parts = self._ecod.aggregates(cells)
        scores = sums.max(axis=0)
        won = parts[sums.argmax(axis=0), :, np.arange(len(cells))]
        p_values = Conformal(self.calibration).p_values(scores)
        return RowScores(scores / UNIT, p_values, won / UNIT, p_values <= self.rate)


def fit_outliers(reference: Reference) -> OutlierDetector | None:
    """Fits on a random share of the reference rows and calibrates on the rest.

    Raises `NotEnoughData` when no p-value could be as small as the rate.
    """
    settings = reference.model.detectors.outlier
    if settings is None:
        return None
    cells, grid = reference.rows.cells, reference.grid
    out = held_out(len(cells), settings.calibration)
    require_resolution(int(out.sum()), settings.rate)
    features = reference.rows.columns.columns[: reference.features]
    left = np.array([skewed_left(column, ~out) for column in features], bool)
    counts = grid.count(cells[~out])
    sums, _ = fit_ecod(grid, len(left), counts, left).aggregates(cells[out])
    return OutlierDetector(grid, counts, left, np.sort(sums.max(axis=0)), settings.rate)


def unpack_outliers(packed: Packed, grid: Grid, features: int) -> OutlierDetector:
    counts = integers(packed.arrays["counts"], grid.size)
    left_skewed = packed.arrays["left_skewed"].astype(bool).reshape(features)
    calibration = np.sort(integers(packed.derived["calibration"], None))
    return OutlierDetector(grid, counts, left_skewed, calibration, float(packed.header["rate"]))
