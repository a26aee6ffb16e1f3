"""How far answers to ordinary rows are apart, for each version of the model that answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.conformal import Conformal

UNIT = 2.0**-32
"""Scores are kept as whole numbers of this, so that they are equal wherever they are compared."""

MAX_VERSIONS = 8
"""Versions remembered; the one that has been calibrated longest is forgotten first."""


class Calibrations:
    """Scores of reference rows by version. `version` is the one that answered last.

    Versions that take turns (a canary) are calibrated one beside the other, each by what it itself
    answered.
    """

    def __init__(self, wanted: int) -> None:
        self.version = ""
        self._wanted = wanted
        self._scores: dict[str, list[int]] = {}
        self._done: dict[str, Conformal] = {}

    def of(self, version: str) -> Conformal | None:
        """None while it is not calibrated."""
        return self._done.get(version)

    @property
    def missing(self) -> int:
        """Reference rows that the version that answered last is still to be asked about."""
        is_done = self.version in self._done
        return 0 if is_done else self._wanted - len(self._scores.get(self.version, ()))

    def add(self, version: str, scores: NDArray[np.float64]) -> None:
        """What this version gave for some more reference rows; one without a score is none."""
        self.version = version
        if version in self._done:
            return
        found = self._scores.setdefault(version, [])
        found += whole(scores[~np.isnan(scores)]).tolist()
        if len(found) >= self._wanted:
            self._finish(version, self._scores.pop(version)[: self._wanted])

    def saved(self) -> dict[str, Any]:
        done = {name: one.calibration.tolist() for name, one in self._done.items()}
        return {"version": self.version, "scores": done}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Adds to what other partitions have restored."""
        self.version = saved["version"]
        for name, scores in saved["scores"].items():
            if len(scores) == self._wanted and name not in self._done:
                self._finish(name, scores)

    def _finish(self, version: str, scores: list[int]) -> None:
        self._done[version] = Conformal(np.sort(np.array(scores, np.int64)))
        if len(self._done) > MAX_VERSIONS:
            self._done.pop(next(iter(self._done)))


def whole(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Scores as whole `UNIT`s, the largest that fit for what is beyond."""
    return np.minimum(np.rint(scores / UNIT), 2.0**62).astype(np.int64)
