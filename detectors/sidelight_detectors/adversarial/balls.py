"""Where the queries of an attack lie: places, and in how many of them one must lie to be near."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
    """Flat places; `hits` counts queries in places that are not its own yet."""

    places: set[int]
    agree: int
    hits: Counter[int] = field(default_factory=Counter)

    def learn(self, flat: Ints, reference: Sample) -> None:
        """Places where more of its queries lie, ``(n, tables)``, become its own.

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
            self.places |= set(found)
        if len(self.hits) > MAX_PLACES:
            self.hits = Counter(dict(self.hits.most_common(MAX_PLACES // 2)))

    def is_near(self, run: Ints, reference: Sample) -> bool:
        """Whether enough of these queries lie nearer to its own than strangers do."""
        known = np.array([*self.places, *self.hits], np.int64)
        met = float(np.quantile(_shared(run, known), 1 - TOUCHING))
        return met >= LEAST_SHARED and met > strangers(known, reference)

    def saved(self) -> dict[str, Any]:
        hits = list(map(list, self.hits.items()))
        return {"places": sorted(self.places), "agree": self.agree, "hits": hits}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Ball:
        return cls(set(saved["places"]), saved["agree"], Counter(dict(saved["hits"])))


class Nearby:
    """Many balls at once: looking costs little more in a thousand than in one."""

    def __init__(self, balls: Sequence[Ball]) -> None:
        places = [np.fromiter(ball.places, np.int64, len(ball.places)) for ball in balls]
        flat = np.concatenate([*places, np.zeros(0, np.int64)])
        order = np.argsort(flat)
        self._places = flat[order]
        self._owner = np.repeat(np.arange(len(balls)), list(map(len, places)))[order]
        self._agree = np.array([ball.agree for ball in balls], np.int64)

    def first(self, flat: Ints) -> Ints:
        """The first ball that each query lies in, ``(n,)``, -1 in none; `flat` ``(n, tables)``."""
        found = np.full(len(flat), -1, np.int64)
        if not len(self._agree):
            return found
        begin = np.searchsorted(self._places, flat)
        counts = np.searchsorted(self._places, flat, side="right") - begin
        likely = np.flatnonzero(counts.sum(axis=1) >= self._agree.min())
        met = self._met(begin[likely], counts[likely])
        found[likely] = np.where(met.any(axis=1), met.argmax(axis=1), -1)
        return found

    def _met(self, begin: Ints, counts: Ints) -> Mask:
        """Which queries lie in which balls; arguments say which balls have each of their places."""
        balls, tables = len(self._agree), counts.shape[1]
        rows = np.repeat(np.repeat(np.arange(len(counts)), tables), counts.ravel())
        ends = np.cumsum(counts.ravel())
        within = np.arange(len(rows)) - np.repeat(ends - counts.ravel(), counts.ravel())
        owner = self._owner[np.repeat(begin.ravel(), counts.ravel()) + within]
        shared = np.bincount(rows * balls + owner, minlength=len(counts) * balls)
        met: Mask = shared.reshape(-1, balls) >= self._agree
        return met


def ball_around(run: Ints, reference: Sample) -> Ball:
    """Where a run of queries lies, ``(n, tables)``, and the reference does not."""
    places, counts = np.unique(run, return_counts=True)
    own = places[counts >= max(2, SHARED * len(run))]
    met, beyond = _shared(run, own), strangers(own, reference) + 1
    near = met[met >= beyond]
    reach = np.median(met) if len(near) * 2 < len(met) else np.quantile(near, QUANTILE)
    return Ball(set(own.tolist()), max(1, int(reach)))


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
    return np.asarray(np.isin(flat, places, kind="table").sum(axis=1), np.int64)
