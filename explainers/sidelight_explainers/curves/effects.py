"""Accumulated local effects (Apley & Zhu, JRSS B 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sidelight.config.explaining.ale import AleSettings
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.curves import Curve, Curves
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.curves.accumulating import Moves, accumulate
from sidelight_explainers.curves.grids import Grid, grid_of
from sidelight_explainers.curves.nearness import by_nearness
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.reference.ordering import ordered_features
from sidelight_explainers.subject import Subject
from sidelight_explainers.surveys.asking import Answered, Floats
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
class LocalEffects:
    """Moves each row's value to both ends of the interval between two quantiles that it is in, so
    that no row is asked that is far from any seen. A budget of r rows and f features pays for
    about ``r / (1 + 2 f)`` rows."""

    subject: Subject
    ordered: frozenset[str]

    def __call__(self, rows: Columns, options: AleSettings, inquiry: Inquiry) -> Explanation:
        pool = pool_of(self.subject, rows, options)
        grids = {name: self._grid(pool, name, options) for name in surveyed_features(pool, options)}
        questions = 1 + sum(2 if grid.ordered else 4 for grid in grids.values())
        looked_at = pool.rows.take(surveyed_places(pool, options, questions, inquiry.left))
        places = {name: locate(looked_at[name], grid) for name, grid in grids.items()}
        parts = {name: _ends(looked_at, name, grids[name], at) for name, at in places.items()}

        def content(answered: Answered) -> Curves:
            return _content(pool, grids, places, options.seed, answered)

        telling = Telling(self.subject, "ale", options, pool, content)
        return telling.explain(looked_at, parts, inquiry)

    def _grid(self, pool: Pool, name: str, options: AleSettings) -> Grid:
        grid = grid_of(pool.rows[name], name in self.ordered, options.intervals + 1)
        return grid if grid.ordered else by_nearness(grid, pool.rows, self.ordered)


def open_method(subject: Subject, settings: AleSettings) -> LocalEffects:
    """Raises `ConfigError` where there is no reference, or a feature is none of the model's."""
    require_features(subject, "ale", settings)
    return LocalEffects(subject, ordered_features(subject))


def locate(column: Column, grid: Grid) -> Moves:
    """Where the rows are along a grid. A number moves through the interval that it is in, and is
    halfway; a category moves through those on its both sides. Rows without a value, or with a
    category that is not on the grid, are nowhere."""
    known = np.flatnonzero(column.known())
    place = np.zeros((len(column), len(grid)))
    if len(grid) < 2:
        return Moves(known[:0], known[:0], place)
    if grid.ordered:
        above = np.searchsorted(grid.points.values, column.values[known], side="left")
        interval = np.clip(above - 1, 0, len(grid) - 2)
        place[known, interval] = place[known, interval + 1] = 0.5
        return Moves(known, interval, place)
    at = column.values[:, None] == grid.points.values[None, :]
    place[known] = at[known]
    rows, points = np.nonzero(place)
    upper, lower = points > 0, points < len(grid) - 1
    row = np.concatenate([rows[upper], rows[lower]])
    return Moves(row, np.concatenate([points[upper] - 1, points[lower]]), place)


def _ends(rows: Columns, name: str, grid: Grid, moves: Moves) -> Columns:
    """The rows at the lower end of their interval, then at the upper."""
    twice = rows.take(np.tile(moves.row, 2))
    ends = grid.points.take(np.concatenate([moves.interval, moves.interval + 1]))
    return replaced(twice, name, Columns((ends,)))


def _content(
    pool: Pool, grids: Mapping[str, Grid], places: Mapping[str, Moves], seed: int, told: Answered
) -> Curves:
    return Curves(
        output=told.output,
        effect="centred",
        mean=float(told.rows.mean()),
        curves=tuple(
            _curve(name, grids[name], places[name], values, seed)
            for name, values in told.parts.items()
        ),
        data=pool.data,
        data_rows=len(told.rows),
    )


def _curve(name: str, grid: Grid, moves: Moves, values: Floats, seed: int) -> Curve:
    if not len(moves.row):
        return Curve(name, grid.words(), (0.0,) * len(grid))
    below, above = np.split(values, 2)
    rng = np.random.default_rng(seed)
    found = accumulate(above - below, moves, rng)
    return Curve(
        feature=name,
        points=grid.words(),
        effects=tuple(found.effects.tolist()),
        low=tuple(found.low.tolist()),
        high=tuple(found.high.tolist()),
        counts=(0, *found.counts.tolist()),
    )
