"""Stations in the service as a process: a predictor that comes late, and what it is told."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from sidelight.config import load
from sidelight.errors import ConfigError
from sidelight.log import Log, open_log
from sidelight.log.topics import INFERENCE
from sidelight.probes import probe_key
from sidelight.tensors import Columns
from sidelight_detectors.results.findings import DriftResult, OutlierResult, WindowResult
from sidelight_detectors.results.reading import read_results
from tests.detectors.answering import answering
from tests.detectors.test_service import get, serving, until, write_table
from tests.detectors.traffic import MODEL, rows, settings, traffic
from tests.ports import free_port


def _answer(asked: Columns) -> Columns:
    """A model that prefers men, and has a cliff in the ages."""
    age, sex = asked["age"].values.astype(float), asked["sex"].values
    score = np.where(sex == "m", 0.75, 0.25)
    score = np.where((age > 100.5) & (age < 101), 1.0, score)
    return Columns(Columns.of(score=score).columns, {"model_name": MODEL, "model_version": "1"})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_table(tmp_path / "reference.parquet", rows(500, seed=1))
    model = json.loads(settings().model_dump_json(exclude_none=True))
    asking = {"max_rows_per_minute": 60_000}
    model["detectors"] |= {
        "squeezing": {**asking, "calibration": 200},
        "flips": {**asking, "protected": ["sex"], "window": 50},
    }
    document = {
        "log": str(tmp_path / "log.db"),
        "models": {
            MODEL: {
                **model,
                "reference": "reference.parquet",
                "predictor": {"url": f"http://127.0.0.1:{free_port()}", "retries": 0},
                "outcome": {"probability": "score", "positive": 1, "threshold": 0.5},
            }
        },
        "detectors": {"listen": "127.0.0.1:0", "run_rows": 20, "run_seconds": 0.05},
    }
    file = tmp_path / "sidelight.yaml"
    file.write_text(json.dumps(document))
    return file


def _said(log: Log, kind: type, detector: str = "") -> list[object]:
    found = (told.output for told in read_results(log) if isinstance(told.output, kind))
    return [one for one in found if not detector or getattr(one, "detector", "") == detector]


def test_a_predictor_that_comes_late_delays_nobody_else_and_is_told_who_asks(config: Path) -> None:
    loaded = load(config).settings
    settings_of = loaded.models[MODEL].predictor
    assert settings_of is not None
    late = int(str(settings_of.url).rpartition(":")[2])
    log = open_log(loaded.log)
    log.append(INFERENCE, traffic(rows(300, seed=2), per_exchange=3))
    strange = Columns.of(age=[100.75], sex=["f"], score=[1.0])
    log.append(INFERENCE, traffic(strange, first=100))
    with serving(config) as service:
        port = service.port()
        until(lambda: len(_said(log, DriftResult)) >= 2)
        until(lambda: _metric(port, "failed_questions_total", "squeezing") > 0)
        until(lambda: _metric(port, "failed_questions_total", "flips") > 0)
        assert not _said(log, OutlierResult, "squeezing")
        with answering(_answer, late) as server:
            until(lambda: _said(log, OutlierResult, "squeezing"))
            until(lambda: len(_said(log, WindowResult, "flips")) >= 5)
            page = get(port, "/metrics")[1]
            assert _metric(port, "unafforded_rows_total", "flips") == 0
            assert service.end(signal.SIGTERM) == 0
    flagged = _said(log, OutlierResult, "squeezing")
    assert [(one.address.offset, one.row) for one in flagged if isinstance(one, OutlierResult)] == [
        (100, 0)
    ]
    assert 'sidelight_flips_rate{feature="sex",group="f"' in page
    key = probe_key(loaded)
    assert key is not None
    for header, body in server.asked:
        told = re.fullmatch(r"(squeeze|flip);t=(\d+);mac=.*", header)
        assert told is not None
        assert header == key.header(told[1], body, int(told[2]))
    log.close()


def _metric(port: int, name: str, detector: str) -> float:
    page = get(port, "/metrics")[1]
    line = f'sidelight_station_{name}{{detector="{detector}",model="{MODEL}"}} '
    found = re.search(re.escape(line) + r"(\S+)", page)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize(
    ("kind", "needed"),
    [("squeezing", "predictor"), ("flips", "predictor"), ("flips", "outcome")],
)
def test_who_asks_needs_to_know_whom_and_what(config: Path, kind: str, needed: str) -> None:
    document = json.loads(config.read_text())
    document["models"][MODEL].pop(needed)
    config.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=rf"detectors\.{kind} needs models\.{MODEL}\.{needed}"):
        load(config)
