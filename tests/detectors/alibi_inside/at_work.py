"""Detectors of alibi-detect on a log in memory, driven step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from sidelight.config.settings import ModelSettings
from sidelight.log import Log
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight.tensors import Columns
from sidelight_detectors.alibi.station import Station, station
from sidelight_detectors.results.findings import Output
from sidelight_detectors.stations.place import Place
from sidelight_detectors.stations.worker import StationWorker
from sidelight_detectors.streaming.cutter import Clock
from tests.detectors.traffic import MODEL, rows, traffic

REFERENCE_ROWS = 300


def write_table(path: Path, columns: Columns) -> Path:
    table = pa.table({column.name: column.values.tolist() for column in columns})
    pyarrow.parquet.write_table(table, path)
    return path


def appointed(folder: Path, partitions: int = 1, **asked: Any) -> Station:
    """One detector on the small model of `tests.detectors.traffic`."""
    reference = write_table(folder / "reference.parquet", rows(REFERENCE_ROWS, seed=1))
    model = ModelSettings.model_validate(
        {
            "reference": reference,
            "features": {"age": "numeric", "sex": {"categories": ["f", "m"]}},
            "detectors": {"alibi": {"watch": asked}},
        }
    )
    assert model.detectors.alibi is not None
    return station(MODEL, model, "watch", model.detectors.alibi["watch"], Place(partitions))


def log_of(columns: Columns, per_exchange: int = 1) -> MemoryLog:
    log = MemoryLog()
    log.append(INFERENCE, traffic(columns, per_exchange))
    return log


@dataclass
class Instant:
    """Time that `drained` moves on, so that every step commits."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def worker_on(log: Log, at: Station) -> StationWorker:
    member = log.join(at.group, INFERENCE)
    worker = StationWorker(log, member, 0, at, Clock(monotonic=Instant()))
    worker.membership = member  # type: ignore[attr-defined]
    return worker


def drained(worker: StationWorker, steps: int = 1000) -> Iterator[Output]:
    """What it says until nothing is left to read, or for so many steps."""
    time = worker._clock.monotonic
    assert isinstance(time, Instant)
    for _ in range(steps):
        time.now += 10.0
        yield from worker.step(0.0)
        if not worker.lag and worker.position is not None:
            return
