"""Strange rows: the scores of a method, made p-values, and flagged at a rate that is promised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.outlier import OutlierSettings
from sidelight.errors import ConfigError
from sidelight_detectors.conformal import (
    Conformal,
    allowed_on_average,
    allowed_with,
    rate_bound,
)
from sidelight_detectors.contract import Observation, Packed, RowScores
from sidelight_detectors.grid import Grid
from sidelight_detectors.guarantee import Guarantee
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.design import numbers_with_nan
from sidelight_detectors.outliers.methods import METHODS
from sidelight_detectors.outliers.scorer import Fitting, Scorer, Scores
from sidelight_detectors.packing import integers
from sidelight_detectors.split import held_out

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

P_VALUE_BINS = 20
"""Bins of equal width over the conformal p-values (0, 1]."""

TICK = 2.0**-32
"""Scores are ranked in steps of this relative size: far above what the last bits of a sum depend
on, so that a row ranks the same in any batch, and equal rows are tied on any machine."""


@dataclass(frozen=True, eq=False)
class OutlierDetector:
    """A method fitted on a reference, with the scores that make its own p-values.

    Parameters
    ----------
    content:
        Hex sha256 of the reference rows: what all floats of the method follow from.
    calibration:
        Scores of calibration rows in ticks, ascending.
    allowed:
        A row is flagged when its p-value is at most ``allowed / (n_cal + 1)``.
    """

    settings: OutlierSettings
    content: str
    scorer: Scorer
    calibration: NDArray[np.int64]
    allowed: int

    @property
    def size(self) -> int:
        """Rows flagged, then how many p-values fell into each bin."""
        return 1 + P_VALUE_BINS

    @property
    def method(self) -> str:
        return self.settings.method

    @property
    def expected_rate(self) -> float:
        return self.settings.rate

    @property
    def rate_bound(self) -> float | None:
        return self.guarantee.bound

    @cached_property
    def guarantee(self) -> Guarantee:
        rows, confidence = len(self.calibration), self.settings.confidence
        bound = (
            rate_bound(confidence, rows, self.allowed)
            if isinstance(self.settings.calibration, float)
            else None
        )
        return Guarantee(self.allowed / (rows + 1), bound, confidence, rows)

    def observe(self, rows: Indexed) -> Observation:
        scores = self.score(rows)
        bins = np.ceil(scores.p_values * P_VALUE_BINS).astype(np.int64) - 1
        sums = np.empty(self.size, np.int64)
        sums[0] = np.count_nonzero(scores.flagged)
        sums[1:] = np.bincount(bins, minlength=P_VALUE_BINS)
        return Observation(sums, scores)

    def score(self, rows: Indexed) -> RowScores:
        """Scores and p-values, and what each column has of the score of a flagged row."""
        scores = self.scorer.scores(rows)
        p_values = Conformal(self.calibration).p_values(ticks(scores))
        flagged = p_values <= self.allowed / (len(self.calibration) + 1)
        contributions = np.zeros((len(rows), rows.cells.shape[1]))
        if flagged.any():
            strange = rows if flagged.all() else rows.take(flagged)
            contributions[flagged] = self.scorer.contributions(strange, scores[flagged])
        return RowScores(scores, p_values, contributions, flagged)

    def pack(self) -> Packed:
        header = {"settings": self.settings.model_dump(mode="json"), "content": self.content}
        # Scores follow from these rows and settings, and their last bits from the platform.
        derived = {f"scorer_{name}": part for name, part in self.scorer.pack().items()}
        return Packed(header, {}, {**derived, "calibration": self.calibration})


def ticks(scores: Scores) -> NDArray[np.int64]:
    """Scores as whole numbers in the same order, up to `TICK`."""
    return np.rint(np.log1p(scores) / TICK).astype(np.int64)


def fit_outliers(reference: Reference) -> OutlierDetector | None:
    """Fits on a random share of the reference and calibrates on the rest, or leaves rows out.

    Raises `NotEnoughData` when no p-value could be as small as the rate, `ConfigError` when the
    method knows no leave-one-out scores or what is asked cannot be guaranteed with them.
    """
    settings = reference.model.detectors.outlier
    if settings is None:
        return None
    rows = reference.rows
    if isinstance(settings.calibration, float):
        out = held_out(len(rows), settings.calibration)
        allowed = _allowed(int(out.sum()), settings)
        fitting = Fitting(reference.grid, reference.features, rows.take(~out), settings)
        scorer = METHODS[settings.method].fit(fitting)
        found = scorer.scores(rows.take(out))
    else:
        fitting = Fitting(reference.grid, reference.features, rows, settings)
        scorer, found = _left_out(fitting)
        allowed = _allowed(len(found), settings)
    calibration = np.sort(ticks(found))
    return OutlierDetector(settings, _content(fitting, rows), scorer, calibration, allowed)


def _allowed(rows: int, settings: OutlierSettings) -> int:
    if settings.guarantee == "pac":
        return allowed_with(settings.confidence, rows, settings.rate)
    return allowed_on_average(rows, settings.rate)


def _left_out(fitting: Fitting) -> tuple[Scorer, Scores]:
    settings = fitting.settings
    method = METHODS[settings.method]
    if method.left_out is None:
        able = [name for name, other in METHODS.items() if other.left_out]
        raise ConfigError(
            f"calibration: leave-one-out is exact for {' and '.join(able)} only; "
            f"{settings.method} needs a share of the reference, like 0.25"
        )
    if settings.guarantee == "pac":
        raise ConfigError(
            "guarantee: pac holds for rows held out of the fit, not for leave-one-out; "
            "set calibration to a share of the reference, like 0.25"
        )
    scorer = method.fit(fitting)
    return scorer, method.left_out(scorer, fitting)


def _content(fitting: Fitting, rows: Indexed) -> str:
    """Equal on every machine: values and cells as they were read, nothing computed."""
    digest = hashlib.sha256(np.ascontiguousarray(rows.cells, "<i4").tobytes())
    for column in rows.columns.columns[: fitting.features]:
        if column.kind in ("number", "boolean", "time"):
            values = numbers_with_nan(column)
            plain = np.where(np.isnan(values), np.nan, values) + 0.0
            digest.update(plain.astype("<f8", copy=False).tobytes())
    return digest.hexdigest()


def unpack_outliers(packed: Packed, grid: Grid, features: int) -> OutlierDetector:
    settings = OutlierSettings.model_validate(packed.header["settings"])
    begin = "scorer_"
    arrays = {
        name[len(begin) :]: part for name, part in packed.derived.items() if name.startswith(begin)
    }
    scorer = METHODS[settings.method].unpack(arrays, grid, features)
    calibration = np.sort(integers(packed.derived["calibration"], None))
    allowed = _allowed(len(calibration), settings)
    return OutlierDetector(settings, str(packed.header["content"]), scorer, calibration, allowed)
