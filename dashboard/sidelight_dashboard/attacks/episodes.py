"""Attacks across queries, as the detectors last told of them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from sidelight_dashboard.chosen import DAY, Chosen
from sidelight_dashboard.following.wire import Attack
from sidelight_dashboard.links import row_page
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.store.opening import Row, Store
from sidelight_dashboard.times import read_length

MOST = 200
"""Episodes of one page."""


@dataclass(frozen=True, slots=True)
class Query:
    """One row that was asked; `number` counts from 1 in the episode."""

    number: int
    exchange: str
    row: int

    @property
    def path(self) -> str:
        """Of its page."""
        return row_page(self.exchange, self.row)


@dataclass(frozen=True, slots=True)
class Client:
    """Who asked, and how often."""

    name: str
    queries: int


@dataclass(frozen=True)
class Episode:
    """A run of different queries around one row, the `target`.

    There were `count` when it was last told of (again when they are twice as many, and when it is
    over), where ordinary traffic brings `expected`; `queries` are the first and the last of them.
    `evidence` is the natural logarithm of a likelihood ratio and `threshold` what it had to reach,
    both as of when the attack was found. `cleared_ns` is None as long as the alarm stands.
    """

    id: str
    version: str
    first_ns: int
    last_ns: int
    count: int
    expected: float
    is_over: bool
    target: Query
    queries: tuple[Query, ...]
    clients: tuple[Client, ...]
    evidence: float
    threshold: float
    promise: str
    raised_ns: int | None
    cleared_ns: int | None
    cleared_reason: str

    @property
    def odds(self) -> float:
        """Decimal logarithm of the likelihood ratio."""
        return self.evidence / math.log(10)

    @property
    def odds_needed(self) -> float:
        return self.threshold / math.log(10)

    @property
    def gap(self) -> int:
        """Queries between the first and the last that are known."""
        return self.count - len(self.queries)


_COLUMNS = """SELECT episode, coalesce(alarm.version, ''), attack.data, alarm.raised_ns,
 alarm.cleared_ns, coalesce(alarm.cleared_reason, '')
 FROM attack LEFT JOIN alarm ON alarm.id = attack.episode"""


def stretch(store: Store, chosen: Chosen) -> tuple[int, int]:
    """The chosen time; by default the day before the newest row of any version."""
    if not chosen.is_default:
        return chosen.begin_ns, chosen.end_ns
    ((last_ns,),) = store.series.rows(
        "SELECT coalesce(max(last_ns), 0) FROM version WHERE model = ?", (chosen.model,)
    )
    return last_ns - read_length(DAY, "last"), last_ns


def episodes(store: Store, model: str, begin_ns: int, end_ns: int) -> tuple[Episode, ...]:
    """Of all versions, those that had queries in that time; those that go on first, then the
    newest."""
    found = store.series.rows(
        f"{_COLUMNS} WHERE attack.model = ? AND attack.first_ns <= ? AND attack.last_ns >= ?"
        " ORDER BY attack.is_over, attack.last_ns DESC LIMIT ?",
        (model, end_ns, begin_ns, MOST),
    )
    return tuple(map(_episode, found))


def episode(store: Store, model: str, id_: str) -> Episode:
    """Raises `NotFound`."""
    found = store.series.rows(f"{_COLUMNS} WHERE attack.model = ? AND episode = ?", (model, id_))
    if not found:
        raise NotFound(f"no attack {id_[:100]!r} on model {model!r} is known (any longer)")
    return _episode(found[0])


def _episode(found: Row) -> Episode:
    id_, version, data, raised_ns, cleared_ns, cleared_reason = found
    told = Attack.model_validate_json(zlib.decompress(data))
    queries = tuple(_numbered(told))
    places = {(query.exchange, query.row): query for query in queries}
    target = (told.target.exchange, told.target.row)
    return Episode(
        id_,
        version,
        told.times.begin,
        told.times.end,
        told.queries,
        told.expected,
        told.is_over,
        places.get(target, Query(0, *target)),
        queries,
        tuple(Client(*one) for one in told.clients.items()),
        told.evidence,
        told.threshold,
        told.promise,
        raised_ns,
        cleared_ns,
        cleared_reason,
    )


FIRST = 10
"""How many of the first queries are told where some between are not."""


def _numbered(told: Attack) -> Iterator[Query]:
    """The first ones count from 1, the last ones up to the number of all."""
    gap = max(told.queries - len(told.known), 0)
    for place, query in enumerate(told.known):
        number = place + 1 + (gap if place >= FIRST else 0)
        yield Query(number, query.exchange, query.row)
