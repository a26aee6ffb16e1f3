"""`sidelight detectors` killed while labels come in: windows are settled as by a join of all."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from sidelight.config import load
from sidelight.events import Body, Exchange
from sidelight.events.exchanges import to_record
from sidelight.events.feedback import Feedback
from sidelight.events.feedback import to_record as to_record_of_feedback
from sidelight.events.labels import Label
from sidelight.log import Log, Record, open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight.log.topics import DEAD_LETTERS, INFERENCE
from sidelight.tensors import Columns
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.results.findings import WindowResult
from sidelight_detectors.results.reading import read_results
from tests.detectors.labelling import SECOND, nanoseconds, people, settings
from tests.detectors.test_service import write_table

WINDOW, WAIT, HOURS = 900, 5400, 4
PATIENCE_SECONDS = 1200.0


@dataclass(frozen=True)
class Story:
    """Rows in exchanges of `per`, with labels late by Exp(1 h), one in ten never; in log order."""

    at: NDArray[np.float64]
    answer: NDArray[np.int64]
    labels: list[tuple[float, int, int, float]]
    records: list[tuple[float, Record]]
    per: int

    def joined(self) -> dict[int, tuple[int, int, list[list[int]]]]:
        """Rows, labelled rows and confusion matrix of each window."""
        known: dict[tuple[int, int], float] = {}
        for learned, exchange, row, value in self.labels:
            if nanoseconds(learned) <= final_ns(self.window(exchange)):
                known[exchange, row] = value
        rows: dict[int, int] = defaultdict(int)
        confusion: dict[int, list[list[int]]] = defaultdict(lambda: [[0, 0], [0, 0], [0, 0]])
        for exchange in range(len(self.at)):
            rows[self.window(exchange)] += self.per
        for (exchange, row), value in known.items():
            if not math.isnan(value):
                answer = self.answer[exchange * self.per + row]
                confusion[self.window(exchange)][answer][int(value)] += 1
        return {
            window: (count, sum(map(sum, confusion[window])), confusion[window])
            for window, count in rows.items()
        }

    def window(self, exchange: int) -> int:
        return nanoseconds(self.at[exchange]) // (WINDOW * SECOND)


def final_ns(window: int) -> int:
    return ((window + 1) * WINDOW + WAIT) * SECOND


def story(rows: int, per: int, seed: int = 3) -> Story:
    rng = np.random.default_rng(seed)
    table, count = people(rows, seed), rows // per
    at = np.sort(rng.uniform(0, HOURS * 3600, count))
    told: list[tuple[float, Record]] = []
    for number in range(count):
        part = table.take(slice(number * per, (number + 1) * per))
        told.append((at[number], exchange(number, at[number], part)))
    labels = said(rng, at, table["label"].values, per)
    for order, (learned, number, row, value) in enumerate(labels):
        told.append((learned, feedback(order, learned, number, row, value)))
    told.sort(key=lambda one: one[0])
    return Story(at, table["answer"].values, labels, told, per)


def said(
    rng: np.random.Generator, at: NDArray[np.float64], truth: NDArray[np.int64], per: int
) -> list[tuple[float, int, int, float]]:
    """When learned, of which exchange and row, what: in that order."""
    labels = []
    for number in range(len(at)):
        for row in range(per):
            if rng.random() < 0.1:
                continue
            learned, value = at[number] + rng.exponential(3600), float(truth[number * per + row])
            labels.append((learned, number, row, value))
            if rng.random() < 0.05:
                again = [value, 1 - value, math.nan][int(rng.integers(3))]
                labels.append((learned + rng.exponential(600), number, row, again))
    return sorted(labels)


def exchange(number: int, at: float, part: Columns) -> Record:
    rows = {name: part[name].values.tolist() for name in ("age", "chance", "answer")}
    size = len(rows["age"])

    def tensor(name: str, datatype: str) -> dict[str, object]:
        return {"name": name, "shape": [size], "datatype": datatype, "data": rows[name]}

    outputs = [tensor("chance", "FP64"), tensor("answer", "INT64")]
    return to_record(
        Exchange(
            id=f"exchange-{number}",
            source="/test",
            time_ns=nanoseconds(at),
            duration_ns=1000,
            method="POST",
            path="/v2/models/income/infer",
            protocol="v2",
            model="income",
            version="1",
            status=200,
            outcome="answered",
            request=body({"inputs": [tensor("age", "FP64")]}),
            response=body({"model_name": "income", "outputs": outputs}),
            correlation_id=f"order-{number}" if number % 3 else "",
        )
    )


def body(document: object) -> Body:
    content = orjson.dumps(document)
    return Body(content, "application/json", size=len(content))


def feedback(order: int, learned: float, number: int, row: int, value: float) -> Record:
    name = f"order-{number}" if number % 3 and number % 2 else f"exchange-{number}"
    label = Label(name, row, None if math.isnan(value) else int(value))
    told = Feedback(f"feedback-{order}", "/shop", nanoseconds(learned), "income", (label,))
    return to_record_of_feedback(told)


def configured(folder: Path, log: dict[str, object], run_rows: int) -> Path:
    write_table(folder / "reference.parquet", people(2000, 1))
    asked = settings(
        detectors={"labels": {"window_seconds": WINDOW, "wait_seconds": WAIT}},
        reference=folder / "reference.parquet",
    )
    document = {
        "log": log,
        "models": {"income": json.loads(asked.model_dump_json(exclude_none=True))},
        "detectors": {"listen": "127.0.0.1:0", "run_rows": run_rows, "run_seconds": 0.2},
    }
    file = folder / "sidelight.yaml"
    file.write_text(json.dumps(document))
    return file


class Killed:
    """`sidelight detectors`, again and again."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.process = self._started()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)
        self.process = self._started()

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(60) == 0

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sidelight.command", "detectors", "--config"]
        with (self.config.parent / "said.log").open("ab") as said:
            return subprocess.Popen([*command, self.config], stdout=said, stderr=said)


def settled(log: Log) -> dict[int, tuple[int, int, list[list[int]]]]:
    """What the final result of each window says."""
    found: dict[int, tuple[int, int, list[list[int]]]] = {}
    for told in read_results(log):
        one = told.output
        if isinstance(one, WindowResult) and isinstance(one.finding, LabelsFinding):
            finding = one.finding
            if finding.is_final:
                window = one.seen.first_ns // (WINDOW * SECOND)
                assert window not in found
                lines = [list(line) for line in finding.confusion]
                found[window] = (finding.rows, finding.labelled, lines)
    return found


def watched(config: Path, told: Story, kills: int) -> None:
    """The story told to a service that is killed on the way; what it says of each window."""
    log, whole = open_log(load(config).settings.log), told.joined()
    service = Killed(config)
    try:
        cuts = np.linspace(0, len(told.records), kills + 2).astype(int).tolist()
        for begin, end in pairwise(cuts):
            for at in range(begin, end, 2000):
                part = [record for _, record in told.records[at : min(at + 2000, end)]]
                log.append(INFERENCE, part)
            if end < len(told.records):
                until_read(log, 0.5)
                service.kill()
        last = people(1, 9)
        for number in range(log.partitions(INFERENCE)):
            tick = exchange(10**8 + number, 40 * 3600, last)
            log.append(INFERENCE, [tick], partition=number)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(settled(log)) < len(whole) and time.monotonic() < deadline:
            time.sleep(1)
        assert settled(log) == whole
        assert log.span(DEAD_LETTERS, 0).end == 0
    finally:
        service.end()
        log.close()


def until_read(log: Log, share: float) -> None:
    """Some of it is scored and decided."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    before = sum(log.span("panes", n).end for n in range(log.partitions("panes")))
    while time.monotonic() < deadline:
        time.sleep(share)
        if sum(log.span("panes", n).end for n in range(log.partitions("panes"))) > before + 3:
            return


@pytest.fixture
def local(tmp_path: Path) -> Path:
    return configured(tmp_path, {"url": str(tmp_path / "log.db"), "partitions": 2}, 200)


def test_a_killed_service_settles_windows_as_a_join_of_all_would(local: Path) -> None:
    watched(local, story(12_000, 3), kills=2)


def test_so_it_does_on_kafka(tmp_path: Path, kafka_url: str) -> None:
    url = {"url": kafka_url, "partitions": 3, "kafka": {"session_seconds": 3}}
    config = configured(tmp_path, url, 200)
    log = load(config).settings.log
    create(log, plans(log))
    watched(config, story(6_000, 3), kills=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_million_predictions_are_settled_as_a_join_of_all_would(tmp_path: Path) -> None:
    config = configured(tmp_path, {"url": str(tmp_path / "log.db"), "partitions": 2}, 4096)
    watched(config, story(1_000_000, 10), kills=4)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_million_predictions_on_kafka(tmp_path: Path, kafka_url: str) -> None:
    url = {"url": kafka_url, "partitions": 3, "kafka": {"session_seconds": 3}}
    config = configured(tmp_path, url, 4096)
    log = load(config).settings.log
    create(log, plans(log))
    watched(config, story(1_000_000, 10), kills=2)


def test_the_story_is_long_enough_to_matter() -> None:
    whole = story(3000, 3).joined()

    assert len(whole) >= HOURS * 3600 // WINDOW
    assert 0.5 < sum(one[1] for one in whole.values()) / 3000 < 0.85
