"""Runs of near queries that were told as attacks, and what belongs to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sidelight_detectors.adversarial.balls import Ball, Ints, Mask, Sample

FIRST_QUERIES, LAST_QUERIES = 10, 40
"""Addresses kept of an episode's queries, from its beginning and from its end."""

MAX_CLIENTS = 16
"""Clients counted by name; all later ones together as ``other``."""

MAX_BALLS = 16
"""Places where an attack went on; one that goes on beyond them is told as a new one."""

Place = tuple[str, int]
"""Address of an exchange, and the row in it."""


@dataclass
class Episode:
    """One attack, as far as it is known.

    Parameters
    ----------
    balls:
        Where its queries lie; the last is where they lie now.
    clock, last:
        Event time of its last query, and that one's serial number.
    told:
        Its queries when it was last told of.
    closed:
        Serial number of the last query that could be one of its own; None while it is open.
    """

    id: str
    version: str
    target: Place
    evidence: float
    threshold: float
    expected: float
    balls: list[Ball]
    first_ns: int = 0
    last_ns: int = 0
    clock: int = 0
    last: int = 0
    count: int = 0
    told: int = 0
    closed: int | None = None
    begin: list[Place] = field(default_factory=list)
    recent: list[Place] = field(default_factory=list)
    clients: Counter[str] = field(default_factory=Counter)

    @property
    def is_open(self) -> bool:
        return self.closed is None

    @property
    def queries(self) -> tuple[Place, ...]:
        return (*self.begin, *self.recent)

    def meet(self, flat: Ints, serials: Ints) -> Mask:
        """Which of these queries belong to it; `flat` has their places, ``(n, tables)``."""
        met: Mask = np.logical_or.reduce([ball.meet(flat, serials) for ball in self.balls])
        return met if self.closed is None else met & (serials <= self.closed)

    def goes_on_in(self, run: Ints, reference: Sample) -> bool:
        """Whether these queries may well be its next ones."""
        has_room = len(self.balls) < MAX_BALLS
        return has_room and any(ball.is_near(run, reference) for ball in self.balls)

    def note(self, place: Place, time_ns: int, client: str) -> None:
        """One more query."""
        self.count += 1
        self.first_ns = min(self.first_ns or time_ns, time_ns)
        self.last_ns = max(self.last_ns, time_ns)
        if client:
            known = client in self.clients or len(self.clients) < MAX_CLIENTS
            self.clients[client if known else "other"] += 1
        if len(self.begin) < FIRST_QUERIES:
            self.begin.append(place)
        else:
            self.recent = [*self.recent, place][-LAST_QUERIES:]

    def saved(self) -> dict[str, Any]:
        balls = [ball.saved() for ball in self.balls]
        return {**asdict(self), "balls": balls, "clients": list(self.clients.items())}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Episode:
        found = {
            "balls": list(map(Ball.restored, saved["balls"])),
            "clients": Counter(dict(saved["clients"])),
            "target": _place(saved["target"]),
            "begin": list(map(_place, saved["begin"])),
            "recent": list(map(_place, saved["recent"])),
        }
        return cls(**{**saved, **found})


def _place(saved: list[Any]) -> Place:
    address, row = saved
    return address, row
