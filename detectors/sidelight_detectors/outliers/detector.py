"""Strange rows: the scores of a method, made p-values, and flagged at a rate that is promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.outlier import OutlierSettings
from sidelight.errors import ConfigError
from sidelight_detectors.content import content_of
from sidelight_detectors.contract import Observation, Packed, RowScores
from sidelight_detectors.flagging import FLAGGING_SUMS, Flagging, flagging_by, sums_of, ticks
from sidelight_detectors.grid import Grid
from sidelight_detectors.guarantee import Guarantee
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.methods import METHODS
from sidelight_detectors.outliers.scorer import Fitting, Scorer, Scores
from sidelight_detectors.packing import integers
from sidelight_detectors.split import held_out

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference


@dataclass(frozen=True, eq=False)
class OutlierDetector:
    """A method fitted on a reference, with the scores that make its own p-values.

    Parameters
    ----------
    content:
        Hex sha256 of the reference rows: what all floats of the method follow from.
    """

    settings: OutlierSettings
    content: str
    scorer: Scorer
    flagging: Flagging

    @property
    def size(self) -> int:
        return FLAGGING_SUMS

    @property
    def method(self) -> str:
        return self.settings.method

    @property
    def expected_rate(self) -> float:
        return self.settings.rate

    @property
    def rate_bound(self) -> float | None:
        return self.guarantee.bound

    @property
    def guarantee(self) -> Guarantee:
        return self.flagging.guarantee

    def observe(self, rows: Indexed) -> Observation:
        scores = self.score(rows)
        return Observation(sums_of(scores), scores)

    def score(self, rows: Indexed) -> RowScores:
        """Scores and p-values, and what each column has of the score of a flagged row."""
        scores = self.scorer.scores(rows)
        p_values = self.flagging.p_values(scores)
        flagged = self.flagging.flags(p_values)
        contributions = np.zeros((len(rows), rows.cells.shape[1]))
        if flagged.any():
            strange = rows if flagged.all() else rows.take(flagged)
            contributions[flagged] = self.scorer.contributions(strange, scores[flagged])
        return RowScores(scores, p_values, contributions, flagged)

    def pack(self) -> Packed:
        header = {"settings": self.settings.model_dump(mode="json"), "content": self.content}
        # Scores follow from these rows and settings, and their last bits from the platform.
        derived = {f"scorer_{name}": part for name, part in self.scorer.pack().items()}
        return Packed(header, {}, {**derived, "calibration": self.flagging.calibration})


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
        fitting = Fitting(reference.grid, reference.features, rows.take(~out), settings)
        scorer = METHODS[settings.method].fit(fitting)
        found = scorer.scores(rows.take(out))
    else:
        fitting = Fitting(reference.grid, reference.features, rows, settings)
        scorer, found = _left_out(fitting)
    content = content_of(rows, fitting.features)
    return OutlierDetector(settings, content, scorer, _flagging(settings, ticks(found)))


def _flagging(settings: OutlierSettings, calibration: NDArray[np.int64]) -> Flagging:
    return flagging_by(settings, calibration, isinstance(settings.calibration, float))


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


def unpack_outliers(packed: Packed, grid: Grid, features: int) -> OutlierDetector:
    settings = OutlierSettings.model_validate(packed.header["settings"])
    begin = "scorer_"
    arrays = {
        name[len(begin) :]: part for name, part in packed.derived.items() if name.startswith(begin)
    }
    scorer = METHODS[settings.method].unpack(arrays, grid, features)
    flagging = _flagging(settings, integers(packed.derived["calibration"], None))
    return OutlierDetector(settings, str(packed.header["content"]), scorer, flagging)
