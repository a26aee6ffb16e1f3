"""Conformal p-values: how strange a score is among scores of rows like those to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from sidelight.errors import NotEnoughData


@dataclass(frozen=True, eq=False)
class Conformal:
    """Scores of calibration rows: ascending, ``(n_cal,)`` int64, larger is stranger."""

    calibration: NDArray[np.int64]

    def p_values(self, scores: NDArray[np.int64]) -> NDArray[np.float64]:
        """``(1 + #{calibration >= score}) / (n_cal + 1)``, ties counted against strangeness.

        For a row exchangeable with the calibration rows ``P(p <= t) <= t`` at any t, in finite
        samples and whatever the score (Vovk, Gammerman and Shafer, 2005). The promise is on
        average over references: one calibration set has a rate of its own, see `rate_bound`.
        """
        below = np.searchsorted(self.calibration, scores, side="left")
        return (len(self.calibration) - below + 1) / (len(self.calibration) + 1)


def allowed_on_average(calibration_rows: int, rate: float) -> int:
    """The largest k with ``k / (n_cal + 1) <= rate``: rows with p at most that are flagged.

    Raises `NotEnoughData` when no p-value could be as small as `rate`.
    """
    places = np.arange(1, int(rate * (calibration_rows + 1)) + 2)
    allowed = int((places / (calibration_rows + 1) <= rate).sum())
    if not allowed:
        raise NotEnoughData(
            f"outlier rate {rate:g} needs at least {int(np.ceil(1 / rate)) - 1} calibration rows, "
            f"there are {calibration_rows}; send more reference rows, hold out a larger share "
            f"(calibration), or raise the rate to {1 / (calibration_rows + 1):.2g}"
        )
    return allowed


def allowed_with(confidence: float, calibration_rows: int, rate: float) -> int:
    """The largest k whose `rate_bound` is at most `rate`.

    Raises `NotEnoughData` when even the first is above it.
    """
    places = np.arange(1, int(rate * (calibration_rows + 1)) + 2)
    bounds = betaincinv(places, calibration_rows + 1 - places, confidence)
    allowed = int((bounds <= rate).sum())
    if not allowed:
        needed = int(np.ceil(np.log(1 - confidence) / np.log(1 - rate)))
        raise NotEnoughData(
            f"outlier rate {rate:g} guaranteed with confidence {confidence:g} needs at least "
            f"{needed} calibration rows, there are {calibration_rows}; send more reference rows, "
            f"hold out a larger share (calibration), or set 'guarantee: mean'"
        )
    return allowed


def rate_bound(confidence: float, calibration_rows: int, allowed: int) -> float:
    """What the rate of one reference is at most, with that confidence over references.

    Ordinary rows are flagged when their score is above all but ``allowed - 1`` of the calibration
    scores. Given the calibration rows the share of such rows is Beta(k, n_cal + 1 - k) where scores
    have no ties, and stochastically smaller where they have (Vovk, "Conditional Validity of
    Inductive Conformal Predictors", ACML 2012, proposition 2b). Only for rows held out of the fit.
    """
    return float(betaincinv(allowed, calibration_rows + 1 - allowed, confidence))
