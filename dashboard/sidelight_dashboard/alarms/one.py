"""All that is told of one alarm: what it was raised by, and the rows behind it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sidelight_dashboard.alarms.sizes import Size, sizes_of
from sidelight_dashboard.alarms.told import Alarm, alarm_of
from sidelight_dashboard.attacks.episodes import Episode, episode
from sidelight_dashboard.hiding import hidden_in
from sidelight_dashboard.links import row_page
from sidelight_dashboard.outliers.strange import StrangeRow, strangest
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store

Json = Mapping[str, Any]

MOST_FLAGGED = 20
"""Strange rows of the window that are told, the strangest."""


@dataclass(frozen=True, slots=True)
class Window:
    """The rows that were judged when it was raised; `begin_ns` and `end_ns` are event times, both
    included."""

    begin_ns: int
    end_ns: int
    rows: int


@dataclass(frozen=True, slots=True)
class TypicalRow:
    """A row typical of the change: `log_ratio` is how much more usual its values are in the window
    than in the reference."""

    exchange: str
    row: int
    log_ratio: float | None

    @property
    def path(self) -> str:
        """Of its page."""
        return row_page(self.exchange, self.row)


@dataclass(frozen=True, slots=True)
class OneAlarm:
    """`rows_seen` of the version had been seen under its plan; `flagged` are rows of the window
    that a detector found strange, the strangest first. `result` is the id of what was judged,
    `address` where the alarm stands in the log. `attack` is what is known of one by now, None where
    it is none, or its results are gone."""

    alarm: Alarm
    plan: str
    address: str
    result: str
    window: Window | None
    rows_seen: int
    attack: Episode | None
    promise: str
    sizes: tuple[Size, ...]
    typical: tuple[TypicalRow, ...]
    flagged: tuple[StrangeRow, ...]


_FIND = """
SELECT id, model, version, against, detector, raised_ns, cleared_ns, cleared_reason, reason,
  evidence, evidence_threshold, suspects, plan, address, typical, data
FROM alarm WHERE id = ?
"""


def one_alarm(showing: Showing, id_: str) -> OneAlarm:
    """Raises `NotFound`."""
    found = showing.store.series.rows(_FIND, (id_,))
    if not found:
        raise NotFound(
            f"no alarm {id_[:64]!r} is known here; it may be older than dashboard.keep_seconds, "
            "see /alarms for those that are"
        )
    *told, plan, address, typical, packed = found[0]
    alarm, data = alarm_of(tuple(told), showing.settings), orjson.loads(zlib.decompress(packed))
    window = _window(data)
    model = showing.settings.models.get(alarm.model)
    glossary = model.glossary if model else {}
    return OneAlarm(
        alarm,
        plan,
        address,
        data.get("result", ""),
        window,
        data.get("rows_seen", 0),
        _attack(showing.store, alarm) if "episode" in data else None,
        data.get("promise", ""),
        sizes_of(data, glossary, hidden_in(showing.settings, alarm.model)),
        tuple(
            TypicalRow(one["exchange"], one["row"], one["log_ratio"])
            for one in orjson.loads(typical)
        ),
        () if window is None or model is None else _flagged(showing, alarm, window),
    )


def _window(data: Json) -> Window | None:
    times = data.get("time_ns")
    return None if times is None else Window(times["from"], times["to"], data.get("n", 0))


def _attack(store: Store, alarm: Alarm) -> Episode | None:
    try:
        return episode(store, alarm.model, alarm.id)
    except NotFound:
        return None


def _flagged(showing: Showing, alarm: Alarm, window: Window) -> tuple[StrangeRow, ...]:
    times = (window.begin_ns, window.end_ns)
    return strangest(showing, alarm.model, alarm.version, *times, MOST_FLAGGED)
