"""Bets on counts of groups against ``sum(weight * rates) <= bound``, paid block by block.

Every row of a rate r with a value x in [0, 1] pays ``1 + c_r (x - q_r)``. Before the block is
looked at, the point q is chosen on or beyond the bound, and with one k > 0 for all rates of the
side the stakes ``c_r = k weight_r / rows_r``. Given what was seen before and who is in which group,
a row pays ``1 + c_r (p_r - q_r)`` on average, so that by ``1 + y <= exp(y)`` the block pays at most

    exp(sum_r rows_r c_r (p_r - q_r)) = exp(k (sum_r weight_r p_r - sum_r weight_r q_r)) <= 1

on average, for all rates p that the null allows; p_r is the mean over the block's rows, which may
differ from each other. So wealth is a non-negative supermartingale, without pairs of rows, without
an approximation, and whatever came before decides about a block (Ville 1939).

The payment is computed from counts: rows of yes or no pay exactly what they pay one by one; other
values are paid the larger of two lower bounds, the chord of the logarithm, and with squares
``log(1 + c y) >= c y + (log(1 - |c| b) + |c| b) (y / b)^2``, where y = x - q cannot be further than
b from 0 on the side that loses (Fan, Grama, Liu 2015).

Of all points on the bound q is the likeliest by what was seen before, and k puts the alternative
a number of standard deviations (`DISTANCES`) beyond it; to the second order in these no bet against
this side pays more (Turner and Gruenwald 2023, for two groups of yes or no; betting on pairs of
rows: Chugg, Cortes-Gomez, Wilder, Ramdas 2023).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.bias.audit.sides import Floats, Sides

DISTANCES = (0.02, 0.05, 0.12, 0.3)
"""From the bound to the alternatives, in standard deviations of one weighed row."""

ROOM = 1e-4
"""Rates closer to 0 or 1 are not told from them."""

SAFE = 0.5
"""Of what a row could lose, a bet stakes this share at most."""

LARGEST = 600.0
"""No block is paid more than exp(LARGEST); paying less keeps bets fair."""


def pay(sides: Sides, known: Floats, block: Floats) -> Floats:
    """What each side's bets are paid, ``(S, J)``; 1 where there was no bet.

    Parameters
    ----------
    known, block:
        Shape ``(3, C, T)``: rows, total and squares of each comparison's rates, before the block
        and in it.
    """
    rows, total, squares = block[:, sides.comparison]
    means, spread = _expected(known[:, sides.comparison])
    per_row = np.divide(sides.weight, rows, out=np.zeros_like(rows), where=rows > 0)
    point = _on_the_bound(sides, means, spread * means * (1 - means) * per_row)
    variances = spread * point * (1 - point)
    stakes = _stakes(sides, point, variances, per_row)
    breached = (sides.weight * point).sum(axis=1) >= sides.bound
    complete = ((rows > 0) | (sides.weight == 0)).all(axis=1)
    gains = _gains(stakes, point[..., None], rows[..., None], total[..., None], squares[..., None])
    paid = np.exp(np.minimum(gains.sum(axis=1), LARGEST))
    return np.where((breached & complete)[:, None], paid, 1.0)


def beyond(sides: Sides, known: Floats) -> NDArray[np.bool_]:
    """Whether what each bet remembers, ``(J, 3, C, T)``, is beyond the side's bound, ``(S, J)``."""
    rows, total = known[:, 0], known[:, 1]
    means = np.divide(total, rows, out=np.zeros_like(rows), where=rows > 0)
    seen = np.all((rows > 0) | ~sides.used, axis=2)
    gaps = np.sum(sides.weight * means[:, sides.comparison], axis=2)
    return np.asarray(seen[:, sides.comparison] & (gaps > sides.bound), np.bool_).T


def _expected(known: Floats) -> tuple[Floats, Floats]:
    """Means, and variances by those of yes or no with the same mean: as if one more row each."""
    rows, total, squares = known
    means = (total + 0.5) / (rows + 1)
    largest = means * (1 - means)
    central = np.maximum(squares - 2 * means * total + rows * means**2, 0.0)
    return means, np.clip((central / largest + 1) / (rows + 1), 1e-6, 1.0)


def _on_the_bound(sides: Sides, means: Floats, direction: Floats) -> Floats:
    """The point on the bound that is the likeliest by `means`, as far as rates can go there."""
    point = np.clip(means, ROOM, 1 - ROOM)
    for _ in range(means.shape[1] + 1):
        missing = sides.bound + 1e-9 - (sides.weight * point).sum(axis=1)
        moves = direction * np.sign(missing)[:, None]
        free = np.where(moves > 0, point < 1 - ROOM, point > ROOM)
        step = np.where(free, direction, 0.0)
        slope = (sides.weight * step).sum(axis=1)
        length = np.divide(missing, slope, out=np.zeros_like(missing), where=slope > 0)
        point = np.clip(point + length[:, None] * step, ROOM, 1 - ROOM)
    return np.asarray(point, np.float64)


def _stakes(sides: Sides, point: Floats, variances: Floats, per_row: Floats) -> Floats:
    """The c of each rate and bet, ``(S, T, J)``."""
    gap = np.sqrt((sides.weight**2 * variances).sum(axis=1) / (sides.weight != 0).sum(axis=1))
    slope = (sides.weight * per_row * variances).sum(axis=1)
    scale = np.divide(gap, slope, out=np.zeros_like(gap), where=slope > 0)
    wanted = (scale[:, None] * per_row)[..., None] * np.array(DISTANCES)
    most = SAFE / np.where(per_row > 0, point, 1 - point)[..., None]
    over = (np.abs(wanted) / most).max(axis=1, keepdims=True)
    return np.asarray(wanted / np.maximum(over, 1.0), np.float64)


def _gains(stakes: Floats, point: Floats, rows: Floats, total: Floats, squares: Floats) -> Floats:
    """A lower bound of the logarithm of what each rate pays, exact for yes and no."""
    yes, no = np.log1p(stakes * (1 - point)), np.log1p(-stakes * point)
    chord = total * yes + (rows - total) * no
    side = np.where(stakes > 0, point, 1 - point)
    risk = np.abs(stakes) * side
    central = np.maximum(squares - 2 * point * total + rows * point**2, 0.0)
    curved = stakes * (total - rows * point) + (np.log1p(-risk) + risk) / side**2 * central
    return np.asarray(np.maximum(chord, curved), np.float64)
