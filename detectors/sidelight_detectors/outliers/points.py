"""Methods that measure rows as points: one of them, or several ranked together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.design import Design, fit_design
from sidelight_detectors.outliers.ellipsoid import Ellipsoid, bulk_of
from sidelight_detectors.outliers.neighbours import Neighbours, kept_of
from sidelight_detectors.outliers.scorer import Arrays, Fitting, Method, Scorer, Scores, wide
from sidelight_detectors.outliers.trees import Trees, grow

Points = NDArray[np.float64]

SAMPLE = 256
"""Rows that an isolation tree is grown on, as in the paper."""


class PointScorer(Protocol):
    """What scores points ``(n, d)``."""

    def scores(self, points: Points) -> Scores:
        """Shape ``(n,)``; larger is stranger."""
        ...

    def shares(self, points: Points) -> NDArray[np.float64]:
        """What each coordinate has of the score, in any unit, ``(n, d)``."""
        ...

    def pack(self) -> Arrays: ...


@dataclass(frozen=True, eq=False)
class Pointwise:
    """One method on the points of a design."""

    design: Design
    measure: PointScorer
    columns: int

    def scores(self, rows: Indexed) -> Scores:
        return self.measure.scores(self.design.points(rows))

    def contributions(self, rows: Indexed, scores: Scores) -> NDArray[np.float64]:
        shares = portions(self.design, self.measure, self.design.points(rows))
        return wide(shares * scores[:, None], self.columns)

    def pack(self) -> Arrays:
        return {**self.design.pack(), **self.measure.pack()}


def portions(design: Design, measure: PointScorer, points: Points) -> NDArray[np.float64]:
    """The portion each feature has of a score, ``(n, features)``; they add up to 1."""
    shares = design.by_feature(measure.shares(points))
    whole = shares.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(shares, whole, out=np.zeros_like(shares), where=whole > 0))


def forest_of(points: Points, fitting: Fitting) -> Trees:
    return grow(points, fitting.settings.trees, SAMPLE)


def mahalanobis_of(points: Points, fitting: Fitting) -> Ellipsoid:
    return bulk_of(points)


def knn_of(points: Points, fitting: Fitting) -> Neighbours:
    return Neighbours(points[kept_of(len(points))], fitting.settings.neighbours)


def _method(
    measure: Callable[[Points, Fitting], PointScorer],
    unpack: Callable[[Arrays], PointScorer],
    left_out: Callable[[Any, Fitting], Scores] | None = None,
) -> Method:
    def fit(fitting: Fitting) -> Scorer:
        design = fit_design(fitting.grid, fitting.features, fitting.rows)
        found = measure(design.points(fitting.rows), fitting)
        return Pointwise(design, found, len(fitting.grid.columns))

    def read(arrays: Arrays, grid: Grid, features: int) -> Scorer:
        return Pointwise(Design.unpack(arrays), unpack(arrays), len(grid.columns))

    return Method(fit, read, left_out)


def _knn_left_out(scorer: Pointwise, fitting: Fitting) -> Scores:
    """Of the kept rows when they are all, else of those that are not kept."""
    kept = kept_of(len(fitting.rows))
    if len(kept) == len(fitting.rows):
        return knn_of(scorer.design.points(fitting.rows), fitting).left_out()
    return scorer.scores(fitting.rows.take(np.setdiff1d(np.arange(len(fitting.rows)), kept)))


FOREST = _method(forest_of, Trees.unpack)
MAHALANOBIS = _method(mahalanobis_of, Ellipsoid.unpack)
KNN = _method(knn_of, Neighbours.unpack, _knn_left_out)
