"""A simple model of the answers just bought: some link of a sum of what each player brings.

Most classifiers' probabilities are near a logistic function of something simpler, and much of what
their features do 'together' is only that function's bend. A logistic regression shows that bend
from few rows, and is asked for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from sidelight_explainers.games.game import Masks
from sidelight_explainers.shapley.permutations import Chains

Floats = NDArray[np.float64]

FITTED = 3000
"""Rows that a surrogate is fitted to, at most."""
COLUMNS = 150
"""Squares are fitted where there are no more columns with them, and background rows differ in the
fit where there are no more players."""
RIDGE = 1e-4
"""Penalty on coefficients of standardised columns, in parts of the mean curvature."""
STEPS = 12
WORTH = 0.95
"""At most so many steps of fitting; none after one that left more than that share of the error."""
SURE = 1e-6
"""Fitting starts from log odds of probabilities no nearer to 0 and 1."""
SMALLEST = 1e-4
"""Curvature (p (1 - p)) below which a row counts for no less: one that is sure tells little."""


@dataclass(frozen=True, eq=False)
class Surrogate:
    """``link(start + steps of the players that are there)``, for each background row.

    `start` (size,) and `steps` (size, p) are sums before the link, which is logistic where `bent`.
    """

    start: Floats
    steps: Floats
    bent: bool

    def gains(self, chains: Chains) -> Floats:
        """What each player adds in each chain (c, p)."""
        count, players = chains.orders.shape
        sums = np.empty((count, players + 1))
        sums[:, 0] = self.start[chains.background]
        sums[:, 1:] = self.steps[chains.background[:, None], chains.orders]
        np.cumsum(sums, axis=1, out=sums)
        return chains.gains(expit(sums, out=sums) if self.bent else sums)


def fit_surrogate(
    masks: Masks, background: NDArray[np.intp], outputs: Floats, positions: Floats
) -> Surrogate:
    """Fitted to answers by penalised maximum likelihood (logistic where all outputs are within 0
    and 1, else least squares).

    Parameters
    ----------
    masks, background:
        (r, p) and (r,), the coalitions asked.
    outputs:
        (r,), their answers.
    positions:
        (size, p), a number for each player's values in each background row.
    """
    thin = np.linspace(0, len(outputs) - 1, min(len(outputs), FITTED)).astype(int)
    absent = _standardised(positions)
    there = masks[thin].astype(np.float64)
    parts = [np.ones((len(thin), 1)), there, *((1 - there) * absent[:, background[thin]])]
    bent = bool(outputs.min() >= 0 and outputs.max() <= 1)
    found = (_logistic if bent else _linear)(np.hstack(parts), outputs[thin])
    present, *rest = np.split(found[1:], 1 + len(absent))
    without = np.zeros_like(positions)
    for one, told in zip(absent, rest, strict=True):
        without += one * told
    return Surrogate(found[0] + np.sum(without, axis=1), present - without, bent)


def _standardised(positions: Floats) -> Floats:
    """The positions and their squares, as many of them (k, size, p) as a quick fit can bear."""
    size, players = positions.shape
    bearable = 0 if size == 1 or players > COLUMNS else 2 if 3 * players <= COLUMNS else 1
    values = np.stack([positions, positions**2])[:bearable]
    scale = values.std(axis=1, keepdims=True)
    center = values.mean(axis=1, keepdims=True)
    return np.asarray((values - center) / np.where(scale > 0, scale, 1.0))


def _linear(table: Floats, outputs: Floats) -> Floats:
    return np.asarray(np.linalg.solve(_penalised(table, np.ones(len(table))), table.T @ outputs))


def _logistic(table: Floats, outputs: Floats) -> Floats:
    """Fisher scoring, from the outputs' own log odds on, while a step takes off much error."""
    sums = logit(np.clip(outputs, SURE, 1 - SURE))
    found, error = np.zeros(table.shape[1]), np.inf
    for _ in range(STEPS):
        expected = expit(sums)
        weights = np.maximum(expected * (1 - expected), SMALLEST)
        wanted = table.T @ (weights * sums + outputs - expected)
        stepped = np.linalg.solve(_penalised(table, weights), wanted)
        sums = table @ stepped
        left = float(((outputs - expit(sums)) ** 2).sum())
        if left < error:
            found = stepped
        if left > WORTH * error:
            break
        error = left
    return found


def _penalised(table: Floats, weights: Floats) -> Floats:
    # of one matrix by itself, which takes half the time
    rooted = table * np.sqrt(weights)[:, None]
    return np.asarray(rooted.T @ rooted + np.diag(_penalty(table, weights)))


def _penalty(table: Floats, weights: Floats) -> Floats:
    told = np.full(table.shape[1], RIDGE * weights.sum())
    told[0] = 1e-9 * weights.sum()
    return told
