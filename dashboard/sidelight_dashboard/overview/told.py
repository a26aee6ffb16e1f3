"""The whole overview: every model version in service, and whether the monitor itself is alive."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import orjson

from sidelight_dashboard.overview.alarmed import standing
from sidelight_dashboard.overview.lag import Lag
from sidelight_dashboard.overview.lines import Line, Lines, Retired
from sidelight_dashboard.overview.services import Service
from sidelight_dashboard.overview.status import Word, worse
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.times import HOUR_NS

LETTERS_NS = 24 * HOUR_NS
"""Dead letters are counted over so long."""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """What could not be read or scored in the last day, and the newest of it."""

    reporter: str
    reason: str
    count: int
    newest: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The worst line first. `gaps` are runs of the log that no pane told of, of all time;
    `unreadable` are records of results that nobody here could read."""

    at_ns: int
    lines: tuple[Line, ...]
    retired: tuple[Retired, ...]
    lag: Lag
    services: tuple[Service, ...]
    dead_letters: tuple[DeadLetters, ...]
    gaps: int
    unreadable: int

    @property
    def counts(self) -> dict[Word, int]:
        """Lines by word."""
        return dict(Counter(one.word for one in self.lines))


def overview(showing: Showing, lag: Lag, services: tuple[Service, ...], now_ns: int) -> Overview:
    """As things are at `now_ns`; `lag` and `services` as they were found last."""
    made = Lines(showing.settings, showing.store, lag, now_ns)
    alarms = standing(showing)
    found = [
        made.of_model(model, [one for one in alarms if one.model == model])
        for model in showing.settings.models
    ]
    lines = [line for told, _ in found for line in told]
    return Overview(
        now_ns,
        tuple(sorted(lines, key=_order)),
        tuple(one for _, retired in found for one in retired),
        lag,
        services,
        dead_letters(showing.store, now_ns),
        _sum(showing.store, "SELECT sum(gaps) FROM chain"),
        _sum(showing.store, "SELECT sum(count) FROM unreadable"),
    )


def _order(line: Line) -> tuple[int, int, str]:
    """How bad, in how many aspects."""
    same = sum(one.word == line.word for one in line.statuses.values())
    return worse(line.word), -same, line.model


_LETTERS = """
SELECT reporter, reason, sum(count), newest, max(hour_ns) FROM dead_letter
WHERE hour_ns >= ? GROUP BY reporter, reason ORDER BY 3 DESC
"""


def dead_letters(store: Store, now_ns: int) -> tuple[DeadLetters, ...]:
    """The commonest first."""
    begin_ns = (now_ns - LETTERS_NS) // HOUR_NS * HOUR_NS
    return tuple(
        DeadLetters(reporter, reason, count, orjson.loads(newest)["message"])
        for reporter, reason, count, newest, _ in store.series.rows(_LETTERS, (begin_ns,))
    )


def _sum(store: Store, query: str) -> int:
    ((found,),) = store.series.rows(query)
    return int(found or 0)
