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
WINDOW = "io.sidelight.result.window.v1"


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


@dataclass(frozen=True)
class Caught:
    """An attack that was told of: by whom, after how many queries, around which row."""

    clients: tuple[str, ...]
    queries: int
    target: str


@dataclass(frozen=True)
class Unfair:
    """An alarm of a detector of bias, after `rows` rows; of labels, after so many with one."""

    detector: str
    rows: int


@dataclass(frozen=True)
class Gap:
    """How far a group is from the other by a metric, in a window that began at `window_ns`.

    `labelled` of its `rows` have a label by then.
    """

    detector: str
    metric: str
    window_ns: int
    rows: int
    labelled: int
    value: float
    low: float
    high: float
    verdict: str
    is_final: bool


@dataclass
class Watcher:
    """Follows `results` and `alarms` of one model in a log.

    What is said again after a crash has the id it had before, and counts once.
    """

    log: Log
    windows: list[Window] = field(default_factory=list)
    raised: list[Raised] = field(default_factory=list)
    flagged: list[Flagged] = field(default_factory=list)
    caught: list[Caught] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    unfair: list[Unfair] = field(default_factory=list)
    _next: dict[tuple[str, int], int] = field(default_factory=dict)
    _heard: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """Rows in judged windows."""
        return self.windows[-1].rows_until if self.windows else 0

    def look(self) -> None:
        """Take in all that was written since the last look."""
        for event in self._new(RESULTS):
            told = orjson.loads(event.data or b"")
            body = told["data"]
            if event.type == DRIFT:
                self.windows.append(_window(body, self.rows))
            elif event.type == OUTLIER:
                self.flagged.append(_flagged(body))
            elif event.type == WINDOW and _detector(told) in ("bias", "bias:labels"):
                self.gaps += _gaps(_detector(told), body)
        for event in self._new(ALARMS):
            told = orjson.loads(event.data or b"")
            if told["data"]["state"] == "raised":
                self._take_alarm(_detector(told), told["data"])

    def _take_alarm(self, detector: str, body: Any) -> None:
        if detector == "drift":
            columns = dict.fromkeys(suspect["column"] for suspect in body["suspects"])
            self.raised.append(Raised(body["rows_seen"], tuple(columns)))
        elif detector == "adversarial":
            target = f"row {body['target']['row']} of {body['target']['exchange']}"
            self.caught.append(Caught(tuple(body["clients"]), body["n"], target))
        else:
            self.unfair.append(Unfair(detector, body["rows_seen"]))

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


def _detector(told: Any) -> str:
    return str(told["meta"]["detector_type"])


def _gaps(detector: str, body: Any) -> Iterator[Gap]:
    finding = body["finding"]
    for gap in finding["gaps"]:
        if gap["value"] is not None:
            yield Gap(
                detector,
                gap["metric"],
                body["time_ns"]["from"],
                body["n"],
                sum(group["labelled"] for group in finding["groups"]),
                gap["value"],
                gap["low"],
                gap["high"],
                gap["verdict"],
                finding["is_final"],
            )
