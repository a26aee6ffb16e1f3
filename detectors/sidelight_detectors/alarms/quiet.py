"""When an alarm is over: what has come since the last sign of drift is close to the reference."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sidelight_detectors.alarms.bets import Floats, Null

CONFIDENCE = 0.95
"""Of the bounds of all shares at once."""

ALONE = float(special.ndtri(1 - (1 - CONFIDENCE) / 2))
"""The normal quantile of the bounds of one share by itself."""

PATIENCE = 8.0
"""Bounds are waited for so many times as long as a stream like the reference needs."""


@dataclass
class Quiet:
    """Counts since the last evidence of drift, and how many panes in a row looked quiet.

    A pane looks quiet when the upper bounds of all effects (Wilson's, held for all cuts at once)
    are within the null; after `_patience` units when each bound is by itself, since of many shares
    one near the edge, where the reference's own error may have put it, could wait for ever.
    Counting begins anew when a lower bound is beyond the null, and when a share still is after so
    many units: then what drifted before cannot hide for ever that nothing does now.
    """

    null: Null
    streak: int = 0
    hits: Floats = field(default_factory=lambda: np.zeros(0))
    trials: Floats = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if not self.hits.size:
            self._begin()

    def fold(self, hits: Floats, trials: Floats) -> int:
        """Takes a pane; panes in a row, up to this one, that looked quiet."""
        self.hits, self.trials = self.hits + hits, self.trials + trials
        low, high = self._bounds(self._z)
        beyond = (low > self.null.highest) | (high < self.null.lowest)
        waited = self.trials > self._patience
        quiet = self._within(self._z) | (waited & self._within(ALONE)) | (self.trials == 0)
        self.streak = self.streak + 1 if quiet.all() else 0
        if beyond.any() or (waited & ~self._within(0.0)).any():
            self._begin()
        return self.streak

    def saved(self) -> dict[str, Any]:
        both = np.stack([self.hits, self.trials]).astype("<f8").tobytes()
        return {"streak": self.streak, "counts": base64.b64encode(both).decode()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        counts = np.frombuffer(base64.b64decode(saved["counts"]), "<f8").reshape(2, -1)
        self.streak, self.hits, self.trials = saved["streak"], counts[0].copy(), counts[1].copy()

    def _begin(self) -> None:
        self.hits, self.trials = np.zeros((2, len(self.null.shares)))

    def _within(self, z: float) -> NDArray[np.bool_]:
        """Whether the bounds of each share are; at ``z = 0`` the share itself."""
        low, high = self._bounds(z)
        return (low >= self.null.lowest) & (high <= self.null.highest)

    def _bounds(self, z: float) -> tuple[Floats, Floats]:
        rows = np.maximum(self.trials, 1.0)
        shares, square = self.hits / rows, z**2
        centre = shares + square / (2 * rows)
        spread = z * np.sqrt(shares * (1 - shares) / rows + square / (4 * rows**2))
        grown = 1 + square / rows
        low = np.where(self.hits <= 0, 0.0, (centre - spread) / grown)
        return low, np.where(self.hits >= rows, 1.0, (centre + spread) / grown)

    @property
    def _z(self) -> float:
        return float(special.ndtri(1 - (1 - CONFIDENCE) / (2 * len(self.null.shares))))

    @property
    def _patience(self) -> float:
        """Units after which a quiet stream has long been told from every boundary of the null."""
        edges = np.concatenate([self.null.highest, 1 - self.null.lowest])
        shares = np.concatenate([self.null.shares, 1 - self.null.shares])
        room = edges < 1
        needed = edges[room] * (1 - edges[room]) / (edges[room] - shares[room]) ** 2
        return PATIENCE * self._z**2 * float(needed.max(initial=1.0))
