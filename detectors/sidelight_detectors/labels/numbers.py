"""What labels tell of a regression: errors, in fixed point."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import Sums
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.labels.told import WIDE, told
from sidelight_detectors.performance.metrics import Estimate

UNIT = 1 << 32
"""Fixed-point steps of one `scale`."""

FURTHEST = 2.0
"""Errors and labels are cut at so many scales; rows that were are counted."""

_FIELDS = ("rows", "cut", "error", "absolute", "squared", "fourth", "label", "label_squared")


@dataclass(frozen=True, eq=False)
class NumberQuality:
    """The sums of a regression's labels. A row's trail is its prediction, a float64.

    Parameters
    ----------
    scale:
        A power of two that is above the size of any label or prediction of the reference.
    """

    scale: float

    @property
    def size(self) -> int:
        return len(_FIELDS)

    def trail(
        self, answers: NDArray[np.float64], probabilities: NDArray[np.float64] | None
    ) -> NDArray[np.uint8]:
        return np.ascontiguousarray(answers, "<f8")[:, None].view(np.uint8)

    def labelled(self, trail: NDArray[np.uint8], values: NDArray[np.float64]) -> Sums:
        answers = np.ascontiguousarray(trail).view("<f8")[:, 0]
        known = np.isfinite(answers)
        label = values[known] / self.scale
        error = answers[known] / self.scale - label
        cut = (np.abs(error) > FURTHEST) | (np.abs(label) > FURTHEST)
        error, label = (np.clip(one, -FURTHEST, FURTHEST) for one in (error, label))
        told = (error, np.abs(error), error**2, error**4, label, label**2)
        sums = [np.rint(one * UNIT).astype(np.int64).sum() for one in told]
        return np.array([len(label), cut.sum(), *sums], np.int64)

    def finding(self, rows: int, sums: Sums, reference: Sums, *, is_final: bool) -> LabelsFinding:
        found, before = self._estimates(sums), self._estimates(reference)
        cut = int(sums[1])
        warnings = (
            (f"{cut} errors or labels are beyond {FURTHEST * self.scale:g} and were cut there",)
            if cut
            else ()
        )
        metrics = tuple(told(name, one, before[name]) for name, one in found.items())
        return LabelsFinding(rows, int(sums[0]), is_final, metrics, warnings=warnings)

    def _estimates(self, sums: Sums) -> dict[str, Estimate]:
        """Means with normal bounds; the bounds of RMSE are those of the mean square."""
        rows = int(sums[0])
        if not rows:
            nothing = Estimate(math.nan, math.nan, math.nan)
            return dict.fromkeys(("mean_error", "mean_absolute_error", "rmse", "r2"), nothing)
        error, absolute, squared, fourth, label, label_squared = sums[2:] / UNIT / rows
        square = _mean(squared, fourth, rows)
        spread = label_squared - label**2
        return {
            "mean_error": _scaled(_mean(error, squared, rows), self.scale),
            "mean_absolute_error": _scaled(_mean(absolute, squared, rows), self.scale),
            "rmse": Estimate(*(self.scale * math.sqrt(max(end, 0)) for end in _ends(square))),
            "r2": Estimate(1 - squared / spread if spread > 0 else math.nan, math.nan, math.nan),
        }


def scale_of(*columns: NDArray[np.float64]) -> float:
    """A power of two above all sizes; 1 where there are none."""
    largest = max(float(np.abs(one[np.isfinite(one)]).max(initial=0)) for one in columns)
    return 2.0 ** math.ceil(math.log2(largest)) if largest > 0 else 1.0


def _mean(mean: float, square: float, rows: int) -> Estimate:
    margin = WIDE * math.sqrt(max(square - mean**2, 0) / rows)
    return Estimate(float(mean), float(mean - margin), float(mean + margin))


def _scaled(one: Estimate, scale: float) -> Estimate:
    return Estimate(*(scale * end for end in _ends(one)))


def _ends(one: Estimate) -> tuple[float, float, float]:
    return one.value, one.low, one.high
