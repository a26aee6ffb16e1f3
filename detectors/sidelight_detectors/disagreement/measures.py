"""What speaks against a row: its answer beside its neighbours', its margin, where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.disagreement import Evidence
from sidelight_detectors.disagreement.answers import Answers
from sidelight_detectors.disagreement.nearest import MOST_POINTS, Near, Nearest, nearest_of
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.design import Design, fit_design
from sidelight_detectors.outliers.ecod import Ecod
from sidelight_detectors.packing import integers
from sidelight_detectors.split import held_out

Told = Mapping[Evidence, NDArray[np.float64]]
"""One number a row of each kind, ``(n,)``: larger is stranger, NaN where it is not known."""


@dataclass(frozen=True, eq=False)
class Measures:
    """Fitted on some reference rows; a row's measures are its own, whatever batch it comes in."""

    answers: Answers
    design: Design
    nearest: Nearest
    tails: Ecod

    def near(self, rows: Indexed) -> Near:
        return self.nearest.beside(self.design.points(rows))

    def told(self, rows: Indexed, near: Near) -> Told:
        return {
            "answers": self.answers.unlike(rows, near.answers),
            "margin": self.answers.closeness(rows),
            "tails": self.tails.scores(rows),
            "distance": near.distance,
        }

    def pack(self) -> dict[str, NDArray[Any]]:
        return {**self.design.pack(), **self.nearest.pack(), **self.tails.pack()}


def fit_measures(
    answers: Answers, grid: Grid, features: int, rows: Indexed, neighbours: int
) -> tuple[Measures, Indexed]:
    """And the rows that are not among the nearest: what these measure is what traffic would."""
    told = answers.told(rows)
    kept = held_out(len(rows), min(0.5, MOST_POINTS / len(rows)))
    among = np.flatnonzero(kept & ~np.isnan(told).any(axis=1))
    design = fit_design(grid, features, rows)
    nearest = nearest_of(design.points(rows.take(among)), told[among], neighbours)
    tails = Ecod(grid, features, grid.count(rows.cells))
    return Measures(answers, design, nearest, tails), rows.take(~kept)


def unpack_measures(
    answers: Answers, arrays: Mapping[str, NDArray[Any]], grid: Grid, features: int
) -> Measures:
    tails = Ecod(grid, features, integers(arrays["counts"], grid.size))
    return Measures(answers, Design.unpack(arrays), Nearest.unpack(arrays), tails)
