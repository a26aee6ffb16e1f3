"""A dashboard process over a log of many models, filled by the real detectors."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import URLError

import yaml

from sidelight.config.settings import Settings
from sidelight.log import open_log
from tests.dashboard.filled import detect, settings_of
from tests.detectors.traffic import MODEL, rows, traffic
from tests.ports import free_port

SECONDS = 120.0


@contextmanager
def dashboard(folder: Path, models: int) -> Iterator[str]:
    """Its address once it has read all that the detectors said of so many models."""
    address = f"127.0.0.1:{free_port()}"
    told = settings_of(folder, dashboard={"listen": address, "pane_seconds": 1})
    names = [f"{MODEL}-{number:02}" for number in range(models)]
    told = told.model_copy(update={"models": dict.fromkeys(names, told.models[MODEL])})
    _fill(told, names)
    config = folder / "sidelight.yaml"
    config.write_text(yaml.safe_dump(told.model_dump(mode="json", exclude_unset=True)))
    process = subprocess.Popen(
        [sys.executable, "-m", "sidelight.command", "dashboard", "--config", str(config)],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        _await(process, f"http://{address}/readyz")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def _fill(told: Settings, names: list[str]) -> None:
    records = [
        record
        for number, name in enumerate(names)
        for record in traffic(
            rows(300, seed=number, shift=number % 3),
            per_exchange=10,
            first=30 * number,
            model=name,
            path=f"/v2/models/{name}/infer",
            version="1",
        )
    ]
    with closing(open_log(told.log)) as log:
        detect(log, told, records)


def _await(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{url} is not ready after {SECONDS} s")
