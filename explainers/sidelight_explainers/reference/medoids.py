"""Rows that stand for others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_explainers.reference.metric import Floats, Metric

ROWS = 2000
"""Rows looked at, drawn from more: their distances to one another are all kept."""
ROUNDS = 20
"""Rounds at most; a few are enough."""


def medoids(rows: Columns, ordered: frozenset[str], count: int, seed: int) -> NDArray[np.intp]:
    """Numbers of so many rows, such that each row is near one of them.

    Starts are drawn far from one another (k-means++; Arthur & Vassilvitskii, SODA 2007), then each
    group of rows takes the member nearest to all others for its middle, until nothing changes
    (Park & Jun, Expert Systems with Applications 2009). The distance is `Metric`'s, so categories
    and nulls count too.
    """
    rng = np.random.default_rng(seed)
    looked_at = np.sort(rng.permutation(len(rows))[:ROWS])
    if count >= len(looked_at):
        return looked_at
    apart = _distances(Metric.of(rows.take(looked_at), ordered))
    chosen = _starts(apart, count, rng)
    for _ in range(ROUNDS):
        better = _middles(apart, np.argmin(apart[:, chosen], axis=1), chosen)
        if np.array_equal(better, chosen):
            break
        chosen = better
    return looked_at[chosen]


def _distances(metric: Metric) -> Floats:
    rows = metric.reference
    each = (metric.parts(rows.take([at])).sum(axis=1) for at in range(len(rows)))
    return np.stack([one.astype(np.float32) for one in each])


def _starts(apart: Floats, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    chosen = [int(rng.integers(len(apart)))]
    while len(chosen) < count:
        odds = apart[:, chosen].min(axis=1).astype(np.float64) ** 2
        odds[chosen] = 0.0
        total = odds.sum()
        rest = np.setdiff1d(np.arange(len(apart)), chosen)
        one = rng.choice(len(apart), p=odds / total) if total else rng.choice(rest)
        chosen.append(int(one))
    return np.array(chosen)


def _middles(apart: Floats, group: NDArray[np.intp], chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    better = chosen.copy()
    for number in range(len(chosen)):
        members = np.flatnonzero(group == number)
        if len(members):
            better[number] = members[np.argmin(apart[np.ix_(members, members)].sum(axis=1))]
    return better
