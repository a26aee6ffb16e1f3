"""End to end through Kafka beside the local log: ``python -m benchmarks.end_to_end --kafka``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.detectors_at_work import Pace, cpu_seconds, pace
from sidelight.config.settings import LogSettings
from sidelight.demo.broker import Broker
from sidelight.log import Log, Record, open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight.log.topics import INFERENCE

PARTITIONS = 8
BATCH = 500


def compare(folder: Path, models: Mapping[str, Any], told: Sequence[Record], each: int) -> None:
    """Print rates and costs; `models` as in the configuration, `told` has exchanges of that model.

    Each exchange has `each` rows.
    """
    print(f"\n{len(told):,} exchanges of {each} rows, {PARTITIONS} partitions")
    print(f"{'':38}{'exchanges/s':>12}{'rows/s':>10}{'CPU µs':>8}{'broker µs':>11}  on a core")
    with Broker(folder / "kafka") as broker:
        bench = _Bench(folder, models, told, each, broker)
        local = bench.run(str(folder / "local"), 1)
        one, two = (
            bench.run(f"kafka://{broker.bootstrap}/bench{count}", count) for count in (1, 2)
        )
    print(f"one process, Kafka beside the local log: {one.a_second / local.a_second:.2f}")
    print(f"two processes beside one, as measured: {two.a_second / one.a_second:.2f}")
    projected = 2 * one.cpu_us / two.cpu_us
    print(f"projected, had each a core of its own and never to wait: {projected:.2f}")


class _Bench:
    def __init__(
        self,
        folder: Path,
        models: Mapping[str, Any],
        told: Sequence[Record],
        each: int,
        broker: Broker,
    ) -> None:
        self._folder = folder
        self._models = models
        self._told = told
        self._each = each
        self._broker = broker

    def run(self, url: str, processes: int) -> Pace:
        """Fill a new log and let `sidelight detectors` take what is there."""
        is_kafka = url.startswith("kafka:")
        settings = LogSettings(url=url, partitions=PARTITIONS)
        if is_kafka:
            create(settings, plans(settings))
        log, name = open_log(settings), "Kafka" if is_kafka else "local"
        if processes == 1:
            self._time(f"{name}: append, batches of {BATCH}", lambda: self._append(log))
            self._time(f"{name}: read", lambda: _read(log))
        else:
            self._append(log)
        log.close()
        document = {"log": {"url": url, "partitions": PARTITIONS}, "models": self._models}
        backlog, broker = len(self._told), self._broker.pid if is_kafka else None
        found = pace(self._folder, document, processes, backlog, broker)
        self._row(
            f"{name}: detectors, processes: {processes}",
            found.a_second,
            found.cpu_us,
            found.broker_us,
            found.busy,
        )
        return found

    def _append(self, log: Log) -> None:
        for start in range(0, len(self._told), BATCH):
            log.append(INFERENCE, self._told[start : start + BATCH])

    def _time(self, what: str, work: Callable[[], None]) -> None:
        ours, broker = psutil.Process(), psutil.Process(self._broker.pid)
        began, cpu, brokers = time.perf_counter(), cpu_seconds(ours), cpu_seconds(broker)
        work()
        seconds, count = time.perf_counter() - began, len(self._told)
        cpu, brokers = cpu_seconds(ours) - cpu, cpu_seconds(broker) - brokers
        self._row(what, count / seconds, cpu / count * 1e6, brokers / count * 1e6, (cpu / seconds,))

    def _row(
        self, what: str, a_second: float, cpu: float, broker: float, busy: Sequence[float]
    ) -> None:
        shares = " ".join(f"{share:.0%}" for share in busy)
        rows = a_second * self._each
        print(
            f"{what:38}{a_second:12,.0f}{rows:10,.0f}{cpu:8.0f}{broker:11.0f}  {shares}", flush=True
        )


def _read(log: Log) -> None:
    for partition in range(PARTITIONS):
        offset, end = 0, log.span(INFERENCE, partition).end
        while offset < end:
            offset = log.read(INFERENCE, partition, offset)[-1].address.offset + 1
