"""Partial dependence (Friedman, Annals of Statistics 2001, section 8.2), with the curves of single
rows (individual conditional expectation; Goldstein et al., JCGS 2015)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.partial_dependence import PartialDependenceSettings
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.curves import Curve, Curves
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.curves.grids import Grid, grid_of
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.reference.ordering import ordered_features
from sidelight_explainers.subject import Subject
from sidelight_explainers.surveys.asking import Answered, Floats
from sidelight_explainers.surveys.intervals import half_width
from sidelight_explainers.surveys.survey import (
    Pool,
    pool_of,
    replaced,
    require_features,
    surveyed_features,
    surveyed_places,
)
from sidelight_explainers.surveys.telling import Telling


@dataclass(frozen=True)
class PartialDependence:
    """Sets one feature of every row to each of its values: a budget of r rows and, of all features
    together, g values pays for ``r / (1 + g)`` rows."""

    subject: Subject
    ordered: frozenset[str]

    def __call__(
        self, rows: Columns, options: PartialDependenceSettings, inquiry: Inquiry
    ) -> Explanation:
        pool = pool_of(self.subject, rows, options)
        grids = {
            name: grid_of(pool.rows[name], name in self.ordered, options.points)
            for name in surveyed_features(pool, options)
        }
        questions = 1 + sum(len(grid) for grid in grids.values())
        looked_at = pool.rows.take(surveyed_places(pool, options, questions, inquiry.left))
        parts = {name: _everywhere(looked_at, name, grid) for name, grid in grids.items()}

        def content(answered: Answered) -> Curves:
            return _content(pool, grids, options.lines, answered)

        telling = Telling(self.subject, "partial_dependence", options, pool, content)
        return telling.explain(looked_at, parts, inquiry)


def open_method(subject: Subject, settings: PartialDependenceSettings) -> PartialDependence:
    """Raises `ConfigError` where there is no reference, or a feature is none of the model's."""
    require_features(subject, "partial_dependence", settings)
    return PartialDependence(subject, ordered_features(subject))


def _everywhere(rows: Columns, name: str, grid: Grid) -> Columns:
    """Each row at each point (g * n,), point after point."""
    repeated = rows.take(np.tile(np.arange(len(rows)), len(grid)))
    points = grid.points.take(np.repeat(np.arange(len(grid)), len(rows)))
    return replaced(repeated, name, Columns((points,)))


def _content(pool: Pool, grids: Mapping[str, Grid], lines: int, answered: Answered) -> Curves:
    count = len(answered.rows)
    return Curves(
        output=answered.output,
        effect="output",
        mean=float(answered.rows.mean()),
        curves=tuple(
            _curve(pool.rows[name], grids[name], values.reshape(-1, count).T, lines)
            for name, values in answered.parts.items()
        ),
        data=pool.data,
        data_rows=count,
    )


def _curve(column: Column, grid: Grid, each: Floats, lines: int) -> Curve:
    """From what the model said of each row at each point (n, g)."""
    means = each.mean(axis=0)
    low, high = _bounds(each)
    return Curve(
        feature=column.name,
        points=grid.words(),
        effects=tuple(means.tolist()),
        low=low,
        high=high,
        lines=tuple(tuple(one) for one in each[:lines].tolist()),
        counts=tuple(_counts(column.values[column.known()], grid).tolist()),
    )


def _bounds(each: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Empty for a single row, which does not tell how rows differ."""
    if len(each) < 2:
        return (), ()
    means, half = each.mean(axis=0), half_width(each)
    return tuple((means - half).tolist()), tuple((means + half).tolist())


def _counts(values: NDArray[np.generic], grid: Grid) -> NDArray[np.intp]:
    """(g,) values equal to each category; of numbers, from each point up to the next."""
    if not grid.ordered:
        return np.array([(values == point).sum() for point in grid.points.values], np.intp)
    at = np.searchsorted(grid.points.values, values, side="right") - 1
    return np.bincount(np.maximum(at, 0), minlength=len(grid))
