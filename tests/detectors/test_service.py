"""The service as a process: a real log, real signals, its metrics and health."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from sidelight.config import load
from sidelight.log import Log, open_log
from sidelight.log.topics import ALARMS, DEAD_LETTERS, INFERENCE, PANES, RESULTS
from sidelight.tensors import Columns
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import Alarm
from sidelight_detectors.results.reading import read_alarms, read_results
from sidelight_detectors.service.planning import fitted_plans
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.outbox import read_on
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.traffic import MODEL, rows, settings, traffic

PATIENCE_SECONDS = 60.0

LASTING = ("sidelight_drift", "sidelight_detectors_rows", "sidelight_detectors_outlier")
"""Metrics that are read from committed state."""


def write_table(path: Path, columns: Columns) -> Path:
    table = pa.table({column.name: column.values.tolist() for column in columns})
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose detectors end a run after 20 rows or 50 ms."""
    write_table(tmp_path / "reference.parquet", rows(2000, seed=1))
    model = json.loads(settings(alarm={"clear_after": 2}).model_dump_json(exclude_none=True))
    document = {
        "log": "log.db",
        "models": {MODEL: {**model, "reference": "reference.parquet"}},
        "detectors": {"listen": "127.0.0.1:0", "run_rows": 20, "run_seconds": 0.05},
    }
    file = tmp_path / "sidelight.yaml"
    file.write_text(json.dumps(document))
    return file


@pytest.fixture
def log(config: Path) -> Iterator[Log]:
    opened = open_log(load(config).settings.log)
    yield opened
    opened.close()


class Service:
    """`sidelight detectors` as a child."""

    def __init__(self, config: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sidelight.command", "detectors", "--config", str(config)],
            stderr=subprocess.PIPE,
        )

    def port(self) -> int:
        """From the line that says where metrics are."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            told = json.loads(line)
            if "port" in told:
                return int(told["port"])
        raise AssertionError("the service ended before it served")

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


@contextlib.contextmanager
def serving(config: Path) -> Iterator[Service]:
    service = Service(config)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.end(signal.SIGKILL)


def until(done: Callable[[], object]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def plan_of(config: Path) -> Plan:
    return fitted_plans(load(config).settings)[MODEL]


def panes(log: Log) -> list[Pane]:
    return [Pane.from_record(stored.record) for stored in read_on(log, PANES, 0, 0)]


def rows_scored(log: Log, config: Path) -> int:
    decider = Decider(plan_of(config), 1)
    for pane in panes(log):
        decider.accept(pane)
    return sum(state.rows for state in decider.watch.versions.values())


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


def test_traffic_becomes_results_alarms_and_metrics_also_after_a_restart(
    config: Path, log: Log
) -> None:
    log.append(INFERENCE, traffic(rows(300, 2), 3))
    log.append(INFERENCE, traffic(rows(200, 3, shift=1.5), 2, first=1000))
    with serving(config) as service:
        port = service.port()
        until(lambda: list(read_alarms(log)))
        until(lambda: rows_scored(log, config) == 500)
        assert get(port, "/healthz")[0] == get(port, "/v2/health/live")[0] == 200
        assert get(port, "/readyz")[0] == get(port, "/v2/health/ready")[0] == 200
        assert get(port, "/elsewhere")[0] == 404
        until(lambda: f'rows_total{{model="{MODEL}",version=""}} 500.0' in get(port, "/metrics")[1])
        page = get(port, "/metrics")[1]
        assert service.end(signal.SIGTERM) == 0
    for line in (
        f'sidelight_detectors_alarm{{detector="drift",model="{MODEL}",version=""}} 1.0',
        f'sidelight_detectors_alarms_total{{detector="drift",model="{MODEL}",version=""}} 1.0',
        f'sidelight_drift_tolerance_ratio{{model="{MODEL}"}} 0.05',
        f'sidelight_detectors_outlier_expected_ratio{{model="{MODEL}"}} 0.02',
        f'sidelight_detectors_exchanges_total{{model="{MODEL}",outcome="scored"}} 200.0',
        'sidelight_detectors_dead_letters_total{reason="row-count"} 0.0',
        "sidelight_detectors_lag_records 0.0",
    ):
        assert line in page
    assert 'feature="sex",method="chi2"' in page
    assert len({type(told.output).__name__ for told in read_results(log)}) == 3
    lasting = [line for line in page.splitlines() if line.startswith(LASTING)]
    with serving(config) as service:
        port = service.port()
        until(lambda: get(port, "/readyz")[0] == 200)
        again = get(port, "/metrics")[1].splitlines()
        assert [line for line in again if line.startswith(LASTING)] == lasting
        assert service.end(signal.SIGTERM) == 0


def test_a_second_service_waits_until_the_first_has_ended(config: Path, log: Log) -> None:
    with serving(config) as first:
        port = first.port()
        until(lambda: get(port, "/readyz")[0] == 200)
        with serving(config) as second:
            other = second.port()
            until(lambda: "held by process" in get(other, "/readyz")[1])
            assert get(other, "/healthz")[0] == 200
            assert first.end(signal.SIGTERM) == 0
            until(lambda: get(other, "/readyz")[0] == 200)
            assert second.end(signal.SIGTERM) == 0


def test_killed_again_and_again_it_loses_nothing_and_says_nothing_twice(
    config: Path, log: Log
) -> None:
    choose = random.Random(5)
    told = traffic(rows(600, 2), 3) + traffic(rows(300, 3, shift=1.5), 2, first=1000)
    for start in range(0, len(told), 120):
        log.append(INFERENCE, told[start : start + 120])
        with serving(config) as service:
            service.port()
            time.sleep(choose.uniform(0.0, 0.4))
            service.end(signal.SIGKILL)
    with serving(config) as service:
        until(lambda: rows_scored(log, config) == 900)
        service.port()
        assert service.end(signal.SIGTERM) == 0
    said = [stored.record for topic in (RESULTS, ALARMS) for stored in read_on(log, topic, 0, 0)]
    decider = Decider(plan_of(config), 1)
    outputs = [output for pane in panes(log) for output in decider.accept(pane)]
    outputs.sort(key=lambda output: isinstance(output, Alarm))
    assert said == [output_record(output) for output in outputs]
    assert decider.chain.gaps == 0
    assert list(read_on(log, DEAD_LETTERS, 0, 0)) == []
