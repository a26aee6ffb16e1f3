"""Isolation forest, nearest neighbours and robust Mahalanobis distance, ranked together.

Why unlike methods: Roel Bouman, Zaharah Bukhsh, Tom Heskes: "Unsupervised Anomaly Detection
Algorithms on Real-world Data: How Many Do We Need?", Journal of Machine Learning Research 25, 2024,
finds forests best where outliers lie apart from everything, neighbours where they lie between
clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.design import Design, fit_design
from sidelight_detectors.outliers.ellipsoid import Ellipsoid
from sidelight_detectors.outliers.neighbours import Neighbours, kept_of
from sidelight_detectors.outliers.points import (
    PointScorer,
    forest_of,
    knn_of,
    mahalanobis_of,
    portions,
)
from sidelight_detectors.outliers.scorer import Arrays, Fitting, Method, Scorer, Scores, wide
from sidelight_detectors.outliers.trees import Trees

Points = NDArray[np.float64]

WEIGHTS = {"forest": 1, "knn": 4, "mahalanobis": 2}
"""What each has to say, of 7; chosen on the fifteen sets of `benchmarks.outliers`."""

READ: Mapping[str, Callable[[Arrays], PointScorer]] = {
    "forest": Trees.unpack,
    "knn": Neighbours.unpack,
    "mahalanobis": Ellipsoid.unpack,
}

RANKS = 513
"""Points at which a method's tail is kept; denser towards its end."""


@dataclass(frozen=True, eq=False)
class Tail:
    """How rare a score is: ``-log`` of the share of fitting rows with a larger one, in nats.

    Straight between the points, and beyond them as steep as the last tenth of the rows, so that
    two rows which are both stranger than all of the reference still differ.
    """

    at: NDArray[np.float64]
    nats: NDArray[np.float64]
    slope: float

    def of(self, scores: Scores) -> Scores:
        beyond = np.maximum(scores - self.at[-1], 0.0) * self.slope
        return np.asarray(np.interp(scores, self.at, self.nats) + np.log1p(beyond))


@dataclass(frozen=True, eq=False)
class Combined:
    """The weighted mean of the methods' tails."""

    design: Design
    measures: dict[str, PointScorer]
    tails: dict[str, Tail]
    columns: int

    def scores(self, rows: Indexed) -> Scores:
        points = self.design.points(rows)
        return np.asarray(sum(self._nats(name, points) for name in WEIGHTS))

    def contributions(self, rows: Indexed, scores: Scores) -> NDArray[np.float64]:
        points = self.design.points(rows)
        parts = sum(
            self._nats(name, points)[:, None] * portions(self.design, self.measures[name], points)
            for name in WEIGHTS
        )
        return wide(np.asarray(parts), self.columns)

    def pack(self) -> Arrays:
        arrays = dict(self.design.pack())
        for name, measure in self.measures.items():
            tail = self.tails[name]
            own = {**measure.pack(), "tail": np.array([tail.at, tail.nats])}
            own["slope"] = np.array([tail.slope])
            arrays.update({f"{name}_{key}": array for key, array in own.items()})
        return arrays

    def _nats(self, name: str, points: Points) -> Scores:
        weight = WEIGHTS[name] / sum(WEIGHTS.values())
        return weight * self.tails[name].of(self.measures[name].scores(points))


def tail_of(scores: Scores) -> Tail:
    """The tail of the fitting rows' scores."""
    ordered = np.sort(scores)
    places = np.unique(len(ordered) - np.geomspace(1, len(ordered), RANKS).round().astype(np.intp))
    at, first = np.unique(ordered[places], return_index=True)
    nats = -np.log((len(ordered) - places[first]) / (len(ordered) + 1))
    near = int(np.searchsorted(nats, np.log(10)))
    near = min(near, len(at) - 1)
    rise, run = nats[-1] - nats[near], at[-1] - at[near]
    return Tail(at, nats, float(rise / run) if run > 0 else 1.0)


def _fit(fitting: Fitting) -> Combined:
    design = fit_design(fitting.grid, fitting.features, fitting.rows)
    points = design.points(fitting.rows)
    knn = knn_of(points, fitting)
    measures: dict[str, PointScorer] = {
        "forest": forest_of(points, fitting),
        "knn": knn,
        "mahalanobis": mahalanobis_of(points, fitting),
    }
    scores = {name: measure.scores(points) for name, measure in measures.items()}
    scores["knn"][kept_of(len(points))] = knn.left_out()
    tails = {name: tail_of(found) for name, found in scores.items()}
    return Combined(design, measures, tails, len(fitting.grid.columns))


def _unpack(arrays: Arrays, grid: Grid, features: int) -> Scorer:
    measures: dict[str, PointScorer] = {}
    tails: dict[str, Tail] = {}
    for name, read in READ.items():
        begin = f"{name}_"
        own = {key[len(begin) :]: part for key, part in arrays.items() if key.startswith(begin)}
        measures[name] = read(own)
        tails[name] = Tail(own["tail"][0], own["tail"][1], float(own["slope"][0]))
    return Combined(Design.unpack(arrays), measures, tails, len(grid.columns))


METHOD = Method(_fit, _unpack)
