"""Runs of near queries that were told as attacks, and what belongs to them.

A query belongs to an episode when it lies in enough of its places. Places that an episode gains
count for queries after that, so what belongs to it follows from its `places`, `since` and `agree`
alone: a decider that comes back finds the same queries to be its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.contract import PLACES

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

MAX_PLACES = 512
"""Places of an episode; a search that goes on beyond them is a new one."""

FIRST_QUERIES, LAST_QUERIES = 10, 40
"""Addresses kept of an episode's queries, from its beginning and from its end."""

MAX_CLIENTS = 16
"""Clients counted by name; all later ones together as ``other``."""

Place = tuple[str, int]
"""Address of an exchange, and the row in it."""


@dataclass
class Episode:
    """One attack, as far as it is known.

    Parameters
    ----------
    places:
        Flat numbers of its places, each with the serial number from which on it counts.
    agree:
        In how many of them a query must lie.
    told:
        Queries when it was last told of.
    """

    id: str
    version: str
    target: Place
    agree: int
    evidence: float
    threshold: float
    expected: float
    places: dict[int, int]
    opened: int
    first_ns: int
    last_ns: int = 0
    clock: int = 0
    last: int = 0
    count: int = 0
    told: int = 0
    closed: int | None = None
    begin: list[Place] = field(default_factory=list)
    recent: list[Place] = field(default_factory=list)
    clients: Counter[str] = field(default_factory=Counter)
    hits: Counter[int] = field(default_factory=Counter)

    @property
    def is_open(self) -> bool:
        return self.closed is None

    @property
    def queries(self) -> tuple[Place, ...]:
        return (*self.begin, *self.recent)

    def meet(self, flat: Ints, serials: Ints) -> Mask:
        """Which of these queries belong to it; `flat` has their places, ``(n, tables)``."""
        own = np.fromiter(self.places, np.int64, len(self.places))
        since = np.fromiter(self.places.values(), np.int64, len(self.places))
        order = np.argsort(own)
        at = np.minimum(np.searchsorted(own[order], flat), len(own) - 1)
        found = order[at]
        is_own = (own[found] == flat) & (since[found] <= serials[:, None])
        met: Mask = is_own.sum(axis=1) >= self.agree
        return met if self.closed is None else met & (serials <= self.closed)

    def note(self, place: Place, time_ns: int, client: str) -> None:
        """One more query."""
        self.count += 1
        self.last_ns = max(self.last_ns, time_ns)
        if client:
            known = client in self.clients or len(self.clients) < MAX_CLIENTS
            self.clients[client if known else "other"] += 1
        if len(self.begin) < FIRST_QUERIES:
            self.begin.append(place)
        else:
            self.recent = [*self.recent, place][-LAST_QUERIES:]

    def learn(self, flat: Ints, serial: int, least: int) -> None:
        """Places where enough of its queries lie become its own, for what comes from `serial` on.

        `flat` has the places of its new queries.
        """
        if len(self.places) >= MAX_PLACES:
            self.hits.clear()
            return
        for place in flat.ravel().tolist():
            if place not in self.places:
                self.hits[place] += 1
        for place in [one for one, hits in self.hits.items() if hits >= least]:
            del self.hits[place]
            if len(self.places) < MAX_PLACES:
                self.places[place] = serial
        if len(self.hits) > 4 * MAX_PLACES:
            self.hits = Counter(dict(self.hits.most_common(MAX_PLACES)))

    def saved(self) -> dict[str, Any]:
        found = asdict(self)
        for name in ("places", "hits", "clients"):
            found[name] = list(map(list, getattr(self, name).items()))
        return found

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Episode:
        fields = dict(saved)
        for name, kind in (("places", dict), ("hits", Counter), ("clients", Counter)):
            fields[name] = kind(dict(map(tuple, saved[name])))
        for name in ("begin", "recent"):
            fields[name] = [(place, row) for place, row in saved[name]]
        fields["target"] = (saved["target"][0], saved["target"][1])
        return cls(**fields)


@dataclass(frozen=True)
class Ball:
    """The places around a run of queries, and in how many of them one must lie to belong to it."""

    places: Ints
    agree: int


SHARED = 0.2
"""Of the queries of a run that a place must hold to be one of its places."""

STRAY = 0.001
"""Of the reference that may lie in as many places of a run as its own queries do."""

QUANTILE = 0.2
"""Of its queries, the share that may lie farther off than the run is said to reach."""


def ball_around(run: Ints, reference: NDArray[np.uint16]) -> Ball:
    """Where a run lies that the reference does not.

    Parameters
    ----------
    run:
        Shape ``(n, tables)``: flat places of its queries.
    reference:
        Shape ``(r, tables)``: places of some reference rows.
    """
    places, counts = np.unique(run, return_counts=True)
    own = places[counts >= max(2, SHARED * len(run))]
    met = np.isin(run, own).sum(axis=1)
    starts = np.arange(run.shape[1], dtype=np.int64) * PLACES
    usual = np.sort(np.isin(reference + starts, own).sum(axis=1))
    beyond = int(usual[int(np.ceil((1 - STRAY) * len(usual))) - 1]) + 1
    near = met[met >= beyond]
    if len(near) * 2 < len(met):
        return Ball(own, max(1, int(np.median(met))))
    return Ball(own, max(beyond, int(np.quantile(near, QUANTILE))))


def centre_of(run: Ints) -> int:
    """The query that shares the most places with all the others, the earliest of equals."""
    _, inverse, counts = np.unique(run, return_inverse=True, return_counts=True)
    return int(np.argmax(counts[inverse.reshape(run.shape)].sum(axis=1)))
