"""Runs of near queries that were told as attacks, and what belongs to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from sidelight_detectors.adversarial.balls import Ball, Ints, Sample

FIRST_QUERIES, LAST_QUERIES = 10, 40
"""Addresses kept of an episode's queries, from its beginning and from its end."""

MAX_CLIENTS = 16
"""Clients counted by name; all later ones together as ``other``."""

MAX_BALLS = 8
"""Places where an attack went on that are known, the last ones."""

Place = tuple[str, int]
"""Address of an exchange, and the row in it."""


class Query(NamedTuple):
    """One query of an episode."""

    serial: int
    place: Place
    time_ns: int
    client: str


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
    is_over: bool = False
    begin: list[tuple[int, Place]] = field(default_factory=list)
    recent: list[tuple[int, Place]] = field(default_factory=list)
    clients: Counter[str] = field(default_factory=Counter)

    @property
    def queries(self) -> tuple[Place, ...]:
        return tuple(place for _, place in (*self.begin, *self.recent))

    @property
    def client(self) -> str:
        """Who sent more of its queries than anybody else; empty where nobody is known."""
        return next((name for name, _ in self.clients.most_common(1)), "")

    def goes_on_in(self, run: Ints, reference: Sample) -> bool:
        """Whether these queries may well be its next ones."""
        return any(ball.is_near(run, reference) for ball in self.balls)

    def follow(self, ball: Ball) -> None:
        """It went on here."""
        self.balls = [*self.balls, ball][-MAX_BALLS:]

    def note(self, queries: Sequence[Query]) -> None:
        """More queries, which may have come before those that are known."""
        self.count += len(queries)
        times = [one.time_ns for one in queries]
        self.first_ns = min(self.first_ns or times[0], *times)
        self.last_ns = max(self.last_ns, *times)
        for client in filter(None, (one.client for one in queries)):
            known = client in self.clients or len(self.clients) < MAX_CLIENTS
            self.clients[client if known else "other"] += 1
        places = [(one.serial, one.place) for one in queries]
        ordered = sorted([*self.begin, *self.recent, *places])
        self.begin = ordered[:FIRST_QUERIES]
        self.recent = ordered[FIRST_QUERIES:][-LAST_QUERIES:]

    def saved(self) -> dict[str, Any]:
        balls = [ball.saved() for ball in self.balls]
        return {**asdict(self), "balls": balls, "clients": list(self.clients.items())}

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Episode:
        found = {
            "balls": list(map(Ball.restored, saved["balls"])),
            "clients": Counter(dict(saved["clients"])),
            "target": _place(saved["target"]),
            "begin": [(serial, _place(place)) for serial, place in saved["begin"]],
            "recent": [(serial, _place(place)) for serial, place in saved["recent"]],
        }
        return cls(**{**saved, **found})


def _place(saved: list[Any]) -> Place:
    address, row = saved
    return address, row
