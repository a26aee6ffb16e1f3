"""From the log to results: exchanges and rows a second on one core, by rows an exchange.

    python -m benchmarks.end_to_end [--rows 20000] [--kafka [--exchanges 30000]]

A model with 16 columns (8 numbers, 8 strings) and one output, V2 JSON, drift windows of 1,000 rows,
outliers at 1 %, the local log with its default durability. "decode" is the part spent on events and
JSON, "score" cells, sums and outlier scores, "log" appends and commits of the scorer, "decide" all
of the decider. Time is CPU time of this process.

With ``--kafka``, exchanges of 10 rows: appending and reading in one process, then real
``sidelight detectors``, one on the local log, one and two on Kafka, as they take what is there.
CPU is user and system time an exchange of all these processes; "on a core" is the share of its time
that each spends on a core, else it waits, for the broker or for a core. The broker has one core at
most and shares the machine's with them.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.events import Body, Exchange
from sidelight.events.exchanges import to_record
from sidelight.log import Log, Record, open_log
from sidelight.log.topics import INFERENCE, PANES
from sidelight.protocols import v2
from sidelight.tensors import Columns
from sidelight_detectors.fitted import DRIFT, fit
from sidelight_detectors.streaming import cutter, deciding, rounds, scorer, scoring
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.deciding import DecidingPartition
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scorer import GROUP, PartitionScorer

MODEL = "census"
NUMBERS, TEXTS = [f"x{i}" for i in range(8)], [f"c{i}" for i in range(8)]
SETTINGS = ModelSettings.model_validate(
    {
        "outputs": {"score": "numeric"},
        "detectors": {"drift": {"window": 1000}, "outlier": {"rate": 0.01}},
    }
)


def rows_of(count: int, seed: int) -> Columns:
    random = np.random.default_rng(seed)
    words = np.array([f"code {i}" for i in range(9)], object)
    numbers = {name: random.normal(size=count).round(3) for name in NUMBERS}
    texts = {name: random.choice(words, count) for name in TEXTS}
    return Columns.of(**numbers, **texts, score=random.uniform(size=count).round(4))


def exchanges(rows: Columns, each: int) -> Iterator[Record]:
    inputs, outputs = rows.select([*NUMBERS, *TEXTS]), rows.select(["score"])
    for number, start in enumerate(range(0, len(rows), each)):
        part = slice(start, start + each)
        yield to_record(
            Exchange(
                id=f"{number:08d}",
                source="/benchmark",
                time_ns=time.time_ns(),
                duration_ns=1_000_000,
                method="POST",
                path=f"/v2/models/{MODEL}/infer",
                protocol="v2",
                model=MODEL,
                version="1",
                status=200,
                outcome="answered",
                request=_body(v2.encode_request(inputs.take(part))),
                response=_body(v2.encode_response(outputs.take(part))),
                log_id="benchmark",
                sequence=number + 1,
            )
        )


def _body(content: bytes) -> Body:
    return Body(content, "application/json", size=len(content))


@dataclass
class Spent:
    """CPU seconds by part."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        begin = time.process_time()
        yield
        self.seconds[part] = self.seconds.get(part, 0.0) + time.process_time() - begin

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.on(part):
                return function(*args, **kwargs)

        return call


def watch(log: Log, plan: Plan) -> tuple[int, Spent]:
    """Scores and decides all of the log; how many windows were judged, and the time it took."""
    spent = Spent()
    gc.freeze()  # As the service does before it takes in anything (`service.serving`).
    member = log.join(GROUP, INFERENCE)
    one = PartitionScorer(log, member, 0, {MODEL: plan}, plan.service, Clock())
    decider = DecidingPartition(log, log.join(deciding.GROUP, PANES), 0, [plan], Clock())
    with (
        mock.patch.object(scorer, "score", spent.timed("score", scoring.score)),
        mock.patch.object(cutter.Cutter, "poll", spent.timed("decode", cutter.Cutter.poll)),
        spent.on("all"),
    ):
        while one.position is None or decider.position is None:
            rounds.poll(log, member, [one])
            decider.step()
        while one.lag:
            if not rounds.poll(log, member, [one]):
                rounds.close(log, member, [one])
            with spent.on("decide"):
                decider.step()
        with spent.on("decide"):
            decider.close()
    return decider.deciders[MODEL].watch.versions["1"].tally(DRIFT).windows, spent


def measure(plan: Plan, rows: int, each: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = open_log(folder)
        records = list(exchanges(rows_of(rows, 2), each))
        log.append(INFERENCE, records)
        windows, spent = watch(log, plan)
        log.close()
    parts = spent.seconds
    known = parts["decode"] + parts["score"] + parts["decide"]
    shares = {**parts, "log": parts["all"] - known}
    told = "  ".join(f"{shares[part] / parts['all']:6.0%}" for part in PARTS)
    speed = f"{len(records) / parts['all']:12,.0f}  {rows / parts['all']:9,.0f}"
    print(f"{each:13}  {speed}  {windows:7}  {told}")


PARTS = ("decode", "score", "log", "decide")


def through_kafka(count: int, each: int = 10) -> None:
    from benchmarks.through_kafka import compare

    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        columns = rows_of(20_000, 1)
        table = pa.table({column.name: column.values.tolist() for column in columns})
        pyarrow.parquet.write_table(table, folder / "reference.parquet")
        model = json.loads(SETTINGS.model_dump_json(exclude_none=True))
        models = {MODEL: {**model, "reference": "reference.parquet"}}
        compare(folder, models, list(exchanges(rows_of(count * each, 2), each)), each)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=20_000)
    arguments.add_argument("--kafka", action="store_true")
    arguments.add_argument("--exchanges", type=int, default=30_000)
    asked = arguments.parse_args()
    rows = asked.rows
    plan = Plan(MODEL, fit(rows_of(20_000, 1), SETTINGS), DetectorsSettings())
    parts = "  ".join(f"{part:>6}" for part in PARTS)
    print(f"rows/exchange  exchanges/s     rows/s  windows  {parts}")
    for each in (1, 10, 100):
        measure(plan, rows, each)
    if asked.kafka:
        through_kafka(asked.exchanges)


if __name__ == "__main__":
    main()
