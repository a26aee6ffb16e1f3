"""How far answers to ordinary rows are apart, for each version of the model that answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.conformal import Conformal

UNIT = 2.0**-32
"""Scores are kept as whole numbers of this, so that they are equal wherever they are compared."""

LEAST = 1e-3
"""The smallest distance that counts: answers nearer than this are the same."""

MAX_VERSIONS = 8
"""Versions remembered; the one that has been calibrated longest is forgotten first. As many more
may be on the way there."""

Distances = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What is known of one version.

    Parameters
    ----------
    scale:
        Of each squeezer, ``(k,)``: the distance that ordinary rows rarely exceed.
    conformal:
        Scores of ordinary rows that `scale` has not seen.
    """

    scale: Distances
    conformal: Conformal

    def multiples(self, distances: Distances) -> Distances:
        """How many times its `scale` each squeezer moved the answer, ``(n, k)``."""
        return distances / self.scale

    def p_values(self, distances: Distances) -> Distances:
        """Of each row, by the squeezer that moved its answer most; 1 where there is no distance.

        A squeezer that moves answers to ordinary rows far has a large scale, and does not hide what
        another one finds: of raw distances the largest would be its own.
        """
        scores = self.multiples(distances).max(axis=1)
        known, found = ~np.isnan(scores), np.ones(len(scores))
        found[known] = self.conformal.p_values(_whole(scores[known]))
        return found


@dataclass(frozen=True, eq=False)
class Begun:
    """What one version gave so far of each reference row, ``(wanted, k)``, and which were asked."""

    distances: Distances
    asked: NDArray[np.bool_]


class Calibrations:
    """What reference rows gave by version. `version` is the one that answered last.

    Versions that take turns (a canary) are calibrated one beside the other, each by what it itself
    answered. Each row counts once, whichever partition asks: the first half sets the scale, the
    second, which the scale has not seen, the p-values.
    """

    def __init__(self, wanted: int, rate: float) -> None:
        self.version = ""
        self._wanted = wanted
        self._rate = rate
        self._begun: dict[str, Begun] = {}
        self._done: dict[str, Calibrated] = {}

    def of(self, version: str) -> Calibrated | None:
        """None while it is not calibrated."""
        return self._done.get(version)

    @property
    def missing(self) -> NDArray[np.intp]:
        """Reference rows that the version that answered last is still to be asked about."""
        if self.version in self._done:
            return np.zeros(0, np.intp)
        begun = self._begun.get(self.version)
        return np.arange(self._wanted) if begun is None else np.flatnonzero(~begun.asked)

    def add(self, version: str, rows: NDArray[np.intp], distances: Distances) -> None:
        """What this version gave for these reference rows, ``(n, k)``; NaN is no distance."""
        self.version = version
        if version in self._done:
            return
        # Put back at the end: the first is the version that has not answered for longest.
        begun = self._begun.pop(version, None) or self._begin(distances.shape[1])
        begun.distances[rows], begun.asked[rows] = distances, True
        if begun.asked.all():
            self._calibrate(version, begun.distances)
            return
        self._begun[version] = begun
        if len(self._begun) > MAX_VERSIONS:
            self._begun.pop(next(iter(self._begun)))

    def _begin(self, squeezers: int) -> Begun:
        distances = np.full((self._wanted, squeezers), np.nan)
        return Begun(distances, np.zeros(self._wanted, np.bool_))

    def saved(self) -> dict[str, Any]:
        done = {
            name: [one.scale.tolist(), one.conformal.calibration.tolist()]
            for name, one in self._done.items()
        }
        return {"version": self.version, "done": done}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Adds to what other partitions have restored."""
        self.version = saved["version"]
        for name, (scale, scores) in saved["done"].items():
            if name not in self._done:
                conformal = Conformal(np.array(scores, np.int64))
                self._finish(name, Calibrated(np.array(scale), conformal))

    def _calibrate(self, version: str, distances: Distances) -> None:
        """Of a version that answers hardly any row nothing is known: it is asked again."""
        known = distances[~np.isnan(distances).any(axis=1)]
        if len(known) < 2:
            return
        half = len(known) // 2
        usual = np.quantile(known[:half], 1 - self._rate, axis=0, method="higher")
        scale = np.maximum(usual, LEAST)
        scores = _whole((known[half:] / scale).max(axis=1))
        self._finish(version, Calibrated(scale, Conformal(np.sort(scores))))

    def _finish(self, version: str, calibrated: Calibrated) -> None:
        self._done[version] = calibrated
        if len(self._done) > MAX_VERSIONS:
            self._done.pop(next(iter(self._done)))


def _whole(scores: Distances) -> NDArray[np.int64]:
    """As whole `UNIT`s, the largest that fit for what is beyond."""
    return np.minimum(np.rint(scores / UNIT), 2.0**62).astype(np.int64)
