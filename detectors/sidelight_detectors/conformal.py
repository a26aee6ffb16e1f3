"""Split-conformal p-values: how strange a score is among scores of rows nobody fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import NotEnoughData


@dataclass(frozen=True, eq=False)
class Conformal:
    """Scores of held-out reference rows: ascending, ``(n_cal,)`` int64, larger is stranger."""

    calibration: NDArray[np.int64]

    def p_values(self, scores: NDArray[np.int64]) -> NDArray[np.float64]:
        """``(1 + #{calibration >= score}) / (n_cal + 1)``, ties counted against strangeness.

        For a row exchangeable with the calibration rows ``P(p <= t) <= t`` at any t, in finite
        samples and whatever the score (Vovk, Gammerman and Shafer, 2005). The promise is on
        average over references: one calibration set has a rate of its own, spread about the
        nominal one like Beta(k, n_cal + 1 - k), ``k = floor(rate (n_cal + 1))``.
        """
        below = np.searchsorted(self.calibration, scores, side="left")
        return (len(self.calibration) - below + 1) / (len(self.calibration) + 1)


def require_resolution(calibration_rows: int, rate: float) -> None:
    """`NotEnoughData` when no p-value could be as small as `rate`."""
    if calibration_rows + 1 < 1 / rate:
        raise NotEnoughData(
            f"outlier rate {rate:g} needs at least {int(np.ceil(1 / rate)) - 1} calibration rows, "
            f"there are {calibration_rows}; send more reference rows, hold out a larger share "
            f"(calibration), or raise the rate to {1 / (calibration_rows + 1):.2g}"
        )
