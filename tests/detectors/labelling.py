"""Predictions and what came true of them, as a stream of traces and joined at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.contract import Sums
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.labels.contract import Settling
from sidelight_detectors.labels.detector import LabelsDetector
from sidelight_detectors.labels.joining import Terms
from sidelight_detectors.streaming.folds import Traced
from sidelight_detectors.streaming.trace import (
    NO_EXCHANGES,
    UNKNOWN,
    Exchanges,
    Trace,
    labels_of,
    subject_of,
)

SECOND = 1_000_000_000
START = 1_700_000_000
VERSIONS = ("1", "2")


def people(count: int, seed: int) -> Columns:
    """Ages, a probability by age, the answer by it, and what came true."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 12, count).round()
    chance = 1 / (1 + np.exp(-(age - 42) / 6))
    label = (rng.random(count) < chance).astype(np.int64)
    return Columns.of(age=age, chance=chance, answer=(chance >= 0.5).astype(np.int64), label=label)


def settings(**changed: Any) -> ModelSettings:
    """A model that answers a class and its probability."""
    told: dict[str, Any] = {
        "features": {"age": "numeric"},
        "outputs": {"chance": "numeric", "answer": "categorical"},
        "outcome": {"prediction": "answer", "probability": "chance", "label": "label"},
        "detectors": {"labels": {"window_seconds": 600, "wait_seconds": 1800}},
    }
    return ModelSettings.model_validate({**told, **changed})


def fitted(**changed: Any) -> Fitted:
    return fit(people(2000, 1), settings(**changed))


def detector_of(known: Fitted) -> LabelsDetector:
    part = known.parts["labels"]
    assert isinstance(part, LabelsDetector)
    return part


@dataclass(frozen=True)
class Asked:
    """An exchange: `at` is in seconds after the beginning, `trail` of its rows."""

    at: float
    id: str
    trail: NDArray[np.uint8]
    correlation: str = ""
    version: int = 0

    @property
    def key(self) -> str:
        return self.id


@dataclass(frozen=True)
class Said:
    """A label that reached the log `at` a time, learned then or at `learned`."""

    at: float
    subject: str
    row: int
    value: float
    learned: float | None = None

    @property
    def key(self) -> str:
        return self.subject

    @property
    def time_ns(self) -> int:
        return nanoseconds(self.at if self.learned is None else self.learned)


Event = Asked | Said


def nanoseconds(seconds: float) -> int:
    return START * SECOND + round(seconds * SECOND)


@dataclass
class Partitions:
    """Cuts events into traces, each partition in its order, and keeps the watermark of all."""

    count: int
    reached: dict[int, int] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    pane: int = 0

    def traced(self, partition: int, run: Sequence[Event]) -> Traced:
        begin = self.offsets[partition]
        self.offsets[partition] += len(run)
        trace = trace_of(run, partition, begin)
        times = [nanoseconds(one.at) for one in run if isinstance(one, Asked)]
        self.reached[partition] = max([self.reached.get(partition, 0), *times])
        known = len(self.reached) == self.count
        watermark_ns = min(self.reached.values()) if known else 0
        self.pane += 1
        return Traced(trace, self.pane - 1, watermark_ns)


def stream(
    events: Sequence[Event], rng: np.random.Generator, partitions: int = 1, longest: int = 20
) -> Iterator[Traced]:
    """Panes of runs of any length, the partitions interleaved by chance."""
    cut = Partitions(partitions)
    queues: dict[int, list[Event]] = {number: [] for number in range(partitions)}
    for event in sorted(events, key=lambda one: one.at):
        queues[crc32(event.key.encode()) % partitions].append(event)
    while left := [number for number, queue in queues.items() if queue]:
        number = int(rng.choice(left))
        size = int(rng.integers(1, longest + 1))
        run, queues[number] = queues[number][:size], queues[number][size:]
        yield cut.traced(number, run)


def trace_of(run: Sequence[Event], partition: int, begin: int) -> Trace:
    asked = [(begin + at, one) for at, one in enumerate(run) if isinstance(one, Asked)]
    said = [(begin + at, one) for at, one in enumerate(run) if isinstance(one, Said)]
    labels = labels_of(
        [(at, one.time_ns, subject_of(one.subject), one.row, one.value) for at, one in said]
    )
    if not asked:
        return Trace("plan", partition, begin, VERSIONS, exchanges=NO_EXCHANGES, labels=labels)
    exchanges = Exchanges(
        np.array([at for at, _ in asked], np.int64),
        np.array([nanoseconds(one.at) for _, one in asked], np.int64),
        np.array([len(one.trail) for _, one in asked], np.int32),
        np.array([one.version for _, one in asked], np.int32),
        np.zeros(len(asked), np.int32),
        np.array([subject_of(one.id) for _, one in asked], np.uint64),
        np.array([subject_of(one.correlation) for _, one in asked], np.uint64),
    )
    assert UNKNOWN == 0
    trails = {"labels": np.concatenate([one.trail for _, one in asked])}
    return Trace("plan", partition, begin, VERSIONS, ("",), exchanges, trails, labels)


def joined(events: Sequence[Event], part: Settling, terms: Terms) -> Mapping[tuple[int, str], Sums]:
    """All rows with all labels at once: the sums of each window and version."""
    asked = [one for one in events if isinstance(one, Asked)]
    said = sorted((one for one in events if isinstance(one, Said)), key=lambda one: one.at)
    spoken: dict[tuple[str, int], list[Said]] = defaultdict(list)
    for one in said:
        spoken[one.subject, one.row].append(one)
    sums: dict[tuple[int, str], Sums] = {}
    for exchange in asked:
        window = nanoseconds(exchange.at) // terms.window_ns
        place = (window, VERSIONS[exchange.version])
        total = sums.setdefault(place, np.zeros(part.settled_size, np.int64))
        total += part.awaited(exchange.trail)
        for row in range(len(exchange.trail)):
            named = [n for n in (exchange.id, exchange.correlation) if n]
            known = [one for name in named for one in spoken[name, row]]
            in_time = [one for one in known if one.time_ns <= terms.final_ns(window)]
            if not in_time:
                continue
            # The one learned last; of those learned at one time the one said last.
            last = max(in_time, key=lambda one: (one.time_ns, one.at))
            if not math.isnan(last.value):
                total += part.labelled(exchange.trail[row : row + 1], np.array([last.value]))
    return sums
