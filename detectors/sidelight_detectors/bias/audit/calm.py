"""When an alarm is over: what came since the last sign of a breach is within what is allowed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from sidelight_detectors.bias.audit.sides import Floats, Sides

CONFIDENCE = 0.95
"""Of the bounds of all that was named at once."""

PRECISE = 0.25
"""Bounds this narrow, beside the room between equality and the limit, need not both be within."""

NARROW = 0.02
"""The least room, of the largest weight: a limit of exactly 0 leaves none."""


class Calm:
    """Counts since the last sign of a breach, and how many panes in a row looked calm.

    A pane looks calm when, in each comparison that was `named`, the bounds of the difference are
    within what is allowed, or the difference itself is and its bounds are narrow. Counting begins
    anew when they are beyond, or the difference is and its bounds are narrow: then a breach that
    is over cannot hide for ever that nothing is wrong now.
    """

    def __init__(self, sides: Sides, named: tuple[int, ...]) -> None:
        self.sides = sides
        self.named = named
        self.streak = 0
        self._counts = np.zeros((3, *sides.rates.shape))
        self._z = float(special.ndtri(1 - (1 - CONFIDENCE) / (2 * max(len(named), 1))))

    def fold(self, counts: Floats) -> int:
        """Takes a pane; panes in a row, up to this one, that looked calm."""
        self._counts = self._counts + counts
        mine = np.isin(self.sides.comparison, self.named)
        beyond, half, room = self._seen()
        least = NARROW * np.abs(self.sides.weight).max(axis=1)
        precise = half <= PRECISE * np.maximum(room, least)
        calm = (beyond + half <= 0) | (precise & (beyond <= 0))
        breached = mine & ((beyond - half > 0) | (precise & (beyond > 0)))
        self.streak = self.streak + 1 if calm[mine].all() else 0
        if breached.any():
            self._counts = np.zeros_like(self._counts)
        return self.streak

    def saved(self) -> dict[str, Any]:
        counts = base64.b64encode(self._counts.astype("<f8").tobytes()).decode()
        return {"named": list(self.named), "streak": self.streak, "counts": counts}

    @classmethod
    def restored(cls, sides: Sides, saved: Mapping[str, Any]) -> Calm:
        calm = cls(sides, tuple(saved["named"]))
        counts = np.frombuffer(base64.b64decode(saved["counts"]), "<f8")
        calm.streak, calm._counts = saved["streak"], counts.reshape(calm._counts.shape).copy()
        return calm

    def _seen(self) -> tuple[Floats, Floats, Floats]:
        """Of each side: how far it is beyond its bound, plus or minus what, and the room for it.

        Means and variances are as if each rate had one more row of yes and one of no (Agresti,
        Caffo 2000), so that they are sound for few rows and for rates near 0.
        """
        rows, total, squares = self._counts[:, self.sides.comparison]
        weight = self.sides.weight
        means, second = (total + 1) / (rows + 2), (squares + 1) / (rows + 2)
        spread = np.maximum(second - means**2, 0.0) / (rows + 2)
        beyond = (weight * means).sum(axis=1) - self.sides.bound
        half = self._z * np.sqrt((weight**2 * spread).sum(axis=1))
        used = weight != 0
        alike = (total * used).sum(axis=1) / np.maximum((rows * used).sum(axis=1), 1.0)
        return beyond, half, self.sides.bound - weight.sum(axis=1) * alike
