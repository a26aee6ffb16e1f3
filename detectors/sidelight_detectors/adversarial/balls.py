"""Where the queries of an attack lie: places, and in how many of them one must lie to be near.

A place that a ball gains counts for queries after that, so what lies in it follows from its places
and `agree` alone: a decider that comes back finds the same queries there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.contract import PLACES

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Sample = NDArray[np.uint16]
"""Places of some reference rows, ``(r, tables)``."""

MAX_PLACES = 512
"""Places of a ball."""

LEARNED = 2
"""Queries in a ball that make a place one of its own: it moves with its attack."""

LEAST_SHARED = 2
"""Places of a ball that a run must share to be looked at."""

TOUCHING = 0.25
"""Of the queries of a run, the share that must lie near a ball, for its attack to go on there."""

SHARED = 0.2
"""Of the queries of a run that a place must hold to be one of its places."""

STRAY = 0.001
"""Of the reference that may lie in as many places of a ball as its own queries do."""

QUANTILE = 0.2
"""Of its queries, the share that may lie farther off than the ball reaches."""


@dataclass
class Ball:
    """Flat places, each with the serial number from which on it counts.

    `hits` counts queries in places that are not its own yet.
    """

    places: dict[int, int]
    agree: int
    hits: Counter[int] = field(default_factory=Counter)

    def meet(self, flat: Ints, serials: Ints) -> Mask:
        """Which of these queries lie in it; `flat` has their places, ``(n, tables)``."""
        own = np.fromiter(self.places, np.int64, len(self.places))
        since = np.fromiter(self.places.values(), np.int64, len(self.places))
        order = np.argsort(own)
        found = order[np.minimum(np.searchsorted(own[order], flat), len(own) - 1)]
        is_own = (own[found] == flat) & (since[found] <= serials[:, None])
        met: Mask = is_own.sum(axis=1) >= self.agree
        return met

    def learn(self, flat: Ints, serial: int, reference: Sample) -> None:
        """Places where more of its queries lie become its own, for what comes from `serial` on.

        Not those that would let strangers in.
        """
        for place in flat.ravel().tolist():
            if place not in self.places:
                self.hits[place] += 1
        found = [place for place, hits in self.hits.items() if hits >= LEARNED]
        for place in found:
            del self.hits[place]
        both = np.array([*self.places, *found], np.int64)
        if found and len(both) <= MAX_PLACES and strangers(both, reference) < self.agree:
            self.places |= dict.fromkeys(found, serial)
        if len(self.hits) > MAX_PLACES:
            self.hits = Counter(dict(self.hits.most_common(MAX_PLACES // 2)))

    def is_near(self, run: Ints, reference: Sample) -> bool:
        """Whether enough of these queries lie nearer to its own than strangers do."""
        known = np.array([*self.places, *self.hits], np.int64)
        met = float(np.quantile(_shared(run, known), 1 - TOUCHING))
        return met >= LEAST_SHARED and met > strangers(known, reference)

    def saved(self) -> dict[str, Any]:
        places, hits = (list(map(list, one.items())) for one in (self.places, self.hits))
        return {"places": places, "agree": self.agree, "hits": hits}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Ball:
        return cls(dict(saved["places"]), saved["agree"], Counter(dict(saved["hits"])))


def ball_around(run: Ints, reference: Sample) -> Ball:
    """Where a run of queries lies, ``(n, tables)``, and the reference does not."""
    places, counts = np.unique(run, return_counts=True)
    own = places[counts >= max(2, SHARED * len(run))]
    met, beyond = _shared(run, own), strangers(own, reference) + 1
    near = met[met >= beyond]
    reach = np.median(met) if len(near) * 2 < len(met) else np.quantile(near, QUANTILE)
    return Ball(dict.fromkeys(own.tolist(), 0), max(1, int(reach)))


def strangers(places: Ints, reference: Sample) -> int:
    """In how many of these places all but a stray row of the reference lie at most."""
    starts = np.arange(reference.shape[1], dtype=np.int64) * PLACES
    usual = np.sort(_shared(reference + starts, places))
    return int(usual[int(np.ceil((1 - STRAY) * len(usual))) - 1])


def centre_of(run: Ints) -> int:
    """The query that shares the most places with all the others, the earliest of equals."""
    _, inverse, counts = np.unique(run, return_inverse=True, return_counts=True)
    return int(np.argmax(counts[inverse.reshape(run.shape)].sum(axis=1)))


def _shared(flat: Ints, places: Ints) -> Ints:
    """In how many of the places each row lies."""
    return np.asarray(np.isin(flat, places).sum(axis=1), np.int64)
