"""Scores made p-values, and the rows that are flagged by them at a rate that is promised."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.conformal import (
    Conformal,
    allowed_on_average,
    allowed_with,
    rate_bound,
)
from sidelight_detectors.contract import RowScores, Sums
from sidelight_detectors.guarantee import Guarantee

Scores = NDArray[np.float64]

P_VALUE_BINS = 20
"""Bins of equal width over the conformal p-values (0, 1]."""

FLAGGING_SUMS = 1 + P_VALUE_BINS
"""Rows flagged, then how many p-values fell into each bin."""

TICK = 2.0**-32
"""Scores are ranked in steps of this relative size: far above what the last bits of a sum depend
on, so that a row ranks the same in any batch, and equal rows are tied on any machine."""


class Rated(Protocol):
    """Settings of a detector that flags rows."""

    @property
    def rate(self) -> float: ...

    @property
    def guarantee(self) -> Literal["mean", "pac"]: ...

    @property
    def confidence(self) -> float: ...


@dataclass(frozen=True, eq=False)
class Flagging:
    """Which scores are flagged.

    Parameters
    ----------
    calibration:
        Scores of calibration rows in ticks, ascending.
    allowed:
        A row is flagged when its p-value is at most ``allowed / (n_cal + 1)``.
    is_held_out:
        Whether the calibration rows were kept away from the fit; only then the rate on this one
        reference has a bound.
    """

    calibration: NDArray[np.int64]
    allowed: int
    confidence: float
    is_held_out: bool = True

    @cached_property
    def guarantee(self) -> Guarantee:
        rows = len(self.calibration)
        bound = rate_bound(self.confidence, rows, self.allowed) if self.is_held_out else None
        return Guarantee(self.allowed / (rows + 1), bound, self.confidence, rows)

    def p_values(self, scores: Scores) -> NDArray[np.float64]:
        return Conformal(self.calibration).p_values(ticks(scores))

    def flags(self, p_values: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(p_values <= self.allowed / (len(self.calibration) + 1), bool)


def sums_of(scores: RowScores) -> Sums:
    """What flagged rows add to a summary, shape ``(FLAGGING_SUMS,)``."""
    bins = np.ceil(scores.p_values * P_VALUE_BINS).astype(np.int64) - 1
    sums = np.empty(FLAGGING_SUMS, np.int64)
    sums[0] = np.count_nonzero(scores.flagged)
    sums[1:] = np.bincount(bins, minlength=P_VALUE_BINS)
    return sums


def ticks(scores: Scores) -> NDArray[np.int64]:
    """Scores as whole numbers in the same order, up to `TICK`."""
    return np.rint(np.log1p(scores) / TICK).astype(np.int64)


def flagging_by(settings: Rated, calibration: NDArray[np.int64], is_held_out: bool) -> Flagging:
    """From the calibration rows' scores in ticks.

    Raises `NotEnoughData` when there are too few rows for the rate.
    """
    rows, rate, confidence = len(calibration), settings.rate, settings.confidence
    if settings.guarantee == "pac":
        allowed = allowed_with(confidence, rows, rate)
    else:
        allowed = allowed_on_average(rows, rate)
    return Flagging(np.sort(calibration), allowed, confidence, is_held_out)
