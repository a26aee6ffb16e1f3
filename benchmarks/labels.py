"""Joining late labels: rows and labels a second, memory, and coming back after a crash.

    python -m benchmarks.labels [--hours 4] [--rows 1000]

A binary classifier with one row an exchange; labels late by Exp(1 h), one in ten never. A pane a
second in a local log of this machine. "fold" is what a decider does with each pane's rows and
labels; "come back" is a new process's way from the committed state to its first new pane: reading
the traces again and joining them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import LogSettings, ModelSettings
from sidelight.log import Log, open_log
from sidelight.log.topics import PANES
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.labels.fold import LabelsFold
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.deciding import GROUP, DecidingPartition
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.trace import Exchanges, Labels, Trace

SECOND, START = 1_000_000_000, 1_700_000_000
BATCH = 200
MODEL = {
    "features": {"age": "numeric"},
    "outputs": {"chance": "numeric", "answer": "categorical"},
    "outcome": {"prediction": "answer", "probability": "chance", "label": "label"},
    "detectors": {"labels": {}},
}


def people(count: int) -> Columns:
    rng = np.random.default_rng(1)
    age = rng.normal(40, 12, count).round()
    chance = 1 / (1 + np.exp(-(age - 42) / 6))
    label = (rng.random(count) < chance).astype(np.int64)
    return Columns.of(age=age, chance=chance, answer=(chance >= 0.5).astype(np.int64), label=label)


def panes(plan: Plan, seconds: int, rows: int) -> Iterator[Pane]:
    """One a second; a label comes in the pane of the second in which it was learned."""
    rng, table = np.random.default_rng(2), people(rows)
    trail = plan.fitted.observe(plan.fitted.index(table)).trails["labels"]
    truth = table["label"].values.astype(float)
    due: list[list[NDArray[np.float64]]] = [[] for _ in range(seconds + 1)]
    for second in range(seconds):
        subject = rng.integers(1, 2**63, rows).astype(np.uint64)
        late = second + rng.exponential(3600, rows)
        coming = np.flatnonzero((rng.random(rows) < 0.9) & (late < seconds))
        order = coming[np.argsort(late[coming])]
        cuts = np.flatnonzero(np.diff(late[order].astype(int))) + 1
        for chosen in np.split(order, cuts):
            if len(chosen):
                told = np.array([subject[chosen].view(np.float64), late[chosen], truth[chosen]])
                due[int(late[chosen[0]])].append(told)
        labels = labels_of(due[second], second)
        due[second] = []
        yield pane_of(plan, second, subject, trail, labels)


def labels_of(due: list[NDArray[np.float64]], second: int) -> Labels:
    told = np.concatenate([np.zeros((3, 0)), *due], axis=1)
    size = told.shape[1]
    return Labels(
        np.full(size, second, np.int64),
        START * SECOND + (told[1] * SECOND).astype(np.int64),
        told[0].copy().view(np.uint64),
        np.zeros(size, np.int32),
        told[2],
    )


def pane_of(
    plan: Plan, second: int, subject: NDArray[np.uint64], trail: NDArray[np.uint8], labels: Labels
) -> Pane:
    rows = len(subject)
    begin, end = second * rows, (second + 1) * rows
    times = (START + second) * SECOND + np.arange(rows, dtype=np.int64)
    exchanges = Exchanges(
        np.arange(begin, end, dtype=np.int64),
        times,
        np.ones(rows, np.int32),
        np.zeros(rows, np.int32),
        np.zeros(rows, np.int32),
        subject,
        np.zeros(rows, np.uint64),
    )
    trace = Trace(plan.id, 0, begin, ("1",), ("",), exchanges, {"labels": trail}, labels)
    return Pane("income", plan.id, 0, begin, end, int(times[-1]), plan.bucket_ns, trace=trace)


@dataclass(frozen=True)
class Watch:
    """Since when: by the clock and by the processor, which others do not slow down."""

    wall: float
    cpu: float

    @classmethod
    def started(cls) -> Watch:
        return cls(time.perf_counter(), time.process_time())

    def stopped(self) -> Watch:
        return Watch(time.perf_counter() - self.wall, time.process_time() - self.cpu)


def fold_of(known: DecidingPartition) -> LabelsFold:
    found = known.deciders["income"].watch.folds["labels"]
    assert isinstance(found, LabelsFold)
    return found


def measured(log: Log, fitted: Fitted, seconds: int, rows: int) -> None:
    plan = Plan("income", fitted, DetectorsSettings())
    written = 0
    batch = []
    for pane in panes(plan, seconds, rows):
        batch.append(pane.to_record())
        if len(batch) == BATCH or pane.end == seconds * rows:
            written += sum(len(one.value) for one in batch)
            log.append(PANES, batch, partition=0)
            batch = []
    member = log.join(GROUP, PANES)
    known = DecidingPartition(log, member, 0, [plan], Clock())
    since = Watch.started()
    while known.position is None or known.lag:
        known.step()
    took = since.stopped()
    known.close()
    member.leave()
    fold = fold_of(known)
    waiting, labels = fold.join.rows, fold.counts["joined"]
    done = fold.counts["rows"] + labels
    print(
        f"panes            {seconds:,} of {rows:,} rows, {written / seconds / rows:.0f} bytes a row"
    )
    print(f"fold             {done / took.cpu:,.0f} rows and labels/s of processor time")
    print(f"                 {done / took.wall:,.0f} rows and labels/s by the clock")
    print(f"rows that wait   {waiting:,}, {labels:,} labels joined")
    print(f"memory           {fold.join.bytes / waiting:.0f} bytes a row")
    come_back(log, plan, fold)


def come_back(log: Log, plan: Plan, before: LabelsFold) -> None:
    since = Watch.started()
    again = DecidingPartition(log, log.join(GROUP, PANES, wait_seconds=30), 0, [plan], Clock())
    while again.position is None:
        again.step()
    fold = fold_of(again)
    fold.saved()
    took = since.stopped()
    print(f"come back        {took.cpu:.1f} s of processor time, {took.wall:.1f} s by the clock")
    known = fold.join.buckets
    same = known.keys() == before.join.buckets.keys() and all(
        np.array_equal(known[place].sums["labels"], bucket.sums["labels"])
        for place, bucket in before.join.buckets.items()
    )
    print(f"sums as before   {'yes' if same else 'NO'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--rows", type=int, default=1000, help="rows a second")
    asked = parser.parse_args()
    fitted = fit(people(5000), ModelSettings.model_validate(MODEL))
    with TemporaryDirectory() as folder:
        log = open_log(LogSettings(url=str(Path(folder) / "log.db"), retain_bytes=64 << 30))
        print(f"benchmarks.labels --hours {asked.hours:g} --rows {asked.rows}")
        measured(log, fitted, round(asked.hours * 3600), asked.rows)
        log.close()


if __name__ == "__main__":
    main()
