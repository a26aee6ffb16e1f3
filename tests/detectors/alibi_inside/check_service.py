"""`sidelight detectors` as a process, with detectors of alibi-detect beside its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from sidelight.config import load
from sidelight.errors import ConfigError
from sidelight.log import Log, open_log
from sidelight.log.topics import ALARMS, INFERENCE, RESULTS
from sidelight_detectors.alibi.serving import stations
from sidelight_detectors.results.events import output_record
from sidelight_detectors.stations.place import Place
from sidelight_detectors.streaming.outbox import read_on
from tests.detectors.alibi_inside.at_work import drained, log_of, worker_on, write_table
from tests.detectors.test_service import get, until
from tests.detectors.traffic import MODEL, rows, settings, traffic

ALIBI = {
    "ks": {"type": "KSDrift", "window": 100},
    "cvm": {
        "type": "CVMDriftOnline",
        "window": 150,
        "args": {"ert": 100, "window_sizes": [10, 20], "n_bootstraps": 500},
    },
    "forest": {"type": "IForest", "window": 50, "rate": 0.02, "columns": ["age"]},
}
SHIFTED = 700
"""From here on ages are shifted."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_table(tmp_path / "reference.parquet", rows(400, seed=1))
    model = json.loads(settings().model_dump_json(exclude_none=True))
    model["reference"] = "reference.parquet"
    model["detectors"]["alibi"] = ALIBI
    document = {
        "log": "log.db",
        "models": {MODEL: model},
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
    """The process, and what it wrote to its log up to the line with its port."""

    def __init__(self, config: Path) -> None:
        self.words = config.with_suffix(".log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sidelight.command", "detectors", "--config", str(config)],
            stderr=self.words,
        )

    def port(self) -> int:
        until(lambda: '"port"' in _text(self.words) or self.process.poll() is not None)
        told = [json.loads(line) for line in _text(self.words).splitlines() if "port" in line]
        assert told, _text(self.words)
        return int(told[0]["port"])

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
        self.words.close()


def _text(words: IO[str]) -> str:
    return Path(words.name).read_text()


def _said(log: Log) -> dict[bytes, bytes]:
    """What the detectors of alibi-detect said, each once."""
    told = [one.record for topic in (RESULTS, ALARMS) for one in read_on(log, topic, 0, 0)]
    return {one.key: one.value for one in told if b'"alibi:' in one.value}


def _expected(config: Path, log: Log) -> dict[bytes, bytes]:
    """What they say in one go, without a process, a kill or a commit in between."""
    columns = rows(SHIFTED, 2), rows(300, 3, shift=1.5)
    whole = log_of(columns[0])
    whole.append(INFERENCE, traffic(columns[1], first=SHIFTED))
    found = {}
    for at in stations(load(config).settings, Place(log.partitions(INFERENCE))):
        for output in drained(worker_on(whole, at)):
            record = output_record(output)
            found[record.key] = record.value
    return found


def test_killed_in_the_middle_it_says_what_it_would_have_said(config: Path, log: Log) -> None:
    log.append(INFERENCE, traffic(rows(SHIFTED, 2)))
    first = Service(config)
    try:
        first.port()
        until(lambda: len(_said(log)) >= 6)
        first.end(signal.SIGKILL)
    finally:
        first.close()
    log.append(INFERENCE, traffic(rows(300, 3, shift=1.5), first=SHIFTED))
    expected = _expected(config, log)
    second = Service(config)
    try:
        port = second.port()
        until(lambda: len(_said(log)) >= len(expected))
        until(lambda: get(port, "/readyz")[0] == 200)
        page = get(port, "/metrics")[1]
        assert second.end(signal.SIGTERM) == 0, _text(second.words)
        words = _text(second.words)
    finally:
        second.close()
    assert _said(log) == expected
    assert "Business Source License" in words
    for line in (
        f'sidelight_station_alarm{{detector="alibi:cvm",model="{MODEL}"}} 1.0',
        f'sidelight_station_lag_records{{detector="alibi:ks",model="{MODEL}"}} 0.0',
        f'sidelight_alibi_threshold{{detector="alibi:ks",feature="age",model="{MODEL}"',
        f'sidelight_station_unjudged_windows_total{{detector="alibi:forest",model="{MODEL}"}} 0.0',
    ):
        assert line in page, page


def test_wrong_arguments_are_told_by_their_setting(config: Path, log: Log) -> None:
    document = json.loads(config.read_text())
    document["models"][MODEL]["detectors"]["alibi"]["ks"]["args"] = {"p_vall": 0.1}
    config.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=r"alibi\.ks: alibi-detect refuses KSDrift.*p_vall"):
        stations(load(config).settings, Place(log.partitions(INFERENCE)))
