"""What the detectors have said so far, read from the log like any other reader would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from sidelight.events import CloudEvent
from sidelight.events.records import from_record
from sidelight.log import Address, Log
from sidelight.log.topics import ALARMS, RESULTS

DRIFT = "io.sidelight.result.drift.v1"
OUTLIER = "io.sidelight.result.outlier.v1"


@dataclass(frozen=True)
class Window:
    """A judged window; `rows_until` counts all rows up to its end."""

    number: int
    rows_until: int
    is_drift: bool
    worst: str
    distance: float


@dataclass(frozen=True)
class Raised:
    """An alarm after `rows_until` rows; `columns` are to blame, the worst first."""

    rows_until: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Flagged:
    """A row the outlier detector flagged."""

    address: Address
    row: int
    score: float
    p_value: float
    strangest: str


@dataclass
class Watcher:
    """Follows `results` and `alarms` of one model in a log.

    What is said again after a crash has the id it had before, and counts once.
    """

    log: Log
    windows: list[Window] = field(default_factory=list)
    raised: list[Raised] = field(default_factory=list)
    flagged: list[Flagged] = field(default_factory=list)
    _next: dict[tuple[str, int], int] = field(default_factory=dict)
    _heard: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """Rows in judged windows."""
        return self.windows[-1].rows_until if self.windows else 0

    def look(self) -> None:
        """Take in all that was written since the last look."""
        for event in self._new(RESULTS):
            body = orjson.loads(event.data or b"")["data"]
            if event.type == DRIFT:
                self.windows.append(_window(body, self.rows))
            elif event.type == OUTLIER:
                self.flagged.append(_flagged(body))
        for event in self._new(ALARMS):
            self._take_alarm(orjson.loads(event.data or b"")["data"])

    def _take_alarm(self, body: Any) -> None:
        if body["state"] == "raised":
            columns = dict.fromkeys(suspect["column"] for suspect in body["suspects"])
            self.raised.append(Raised(body["rows_seen"], tuple(columns)))

    def _new(self, topic: str) -> Iterator[CloudEvent]:
        for partition in range(self.log.partitions(topic)):
            place = (topic, partition)
            while batch := self.log.read(topic, partition, self._next.get(place, 0)):
                self._next[place] = batch[-1].address.offset + 1
                for event in map(from_record, (stored.record for stored in batch)):
                    if event.id not in self._heard:
                        self._heard.add(event.id)
                        yield event


def _window(body: Any, rows_before: int) -> Window:
    effect = body["effect"]
    return Window(
        body["window"],
        rows_before + body["n"],
        bool(body["is_drift"]),
        effect["column"],
        effect["distance"],
    )


def _flagged(body: Any) -> Flagged:
    parts = body["feature_score"]
    return Flagged(
        Address.parse(body["exchange"]),
        body["row"],
        body["instance_score"],
        body["p_val"],
        max(parts, key=parts.get),
    )
