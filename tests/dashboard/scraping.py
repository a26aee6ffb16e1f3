"""A real Prometheus that scrapes services of ours by our own rules."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.ports import free_port

PROMETHEUS = Path(__file__).parents[2] / "dashboard" / "prometheus"
IS_HERE = which("prometheus") is not None and which("promtool") is not None
START_SECONDS = 60.0

Json = dict[str, Any]


class Prometheus:
    """One at work at `address`."""

    def __init__(self, address: str) -> None:
        self.address = address

    def values(self, query: str) -> list[Json]:
        """What an instant query finds: ``metric`` and ``value`` of each series."""
        found: list[Json] = self._asked("query", {"query": query})["result"]
        return found

    def firing(self) -> dict[str, Json]:
        """Alerts that fire, by name."""
        alerts = self._asked("alerts", {})["alerts"]
        return {one["labels"]["alertname"]: one for one in alerts if one["state"] == "firing"}

    def _asked(self, what: str, given: Mapping[str, str]) -> Json:
        url = f"http://{self.address}/api/v1/{what}?{urlencode(given)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            data: Json = json.load(answer)["data"]
        return data


@contextmanager
def prometheus(targets: Mapping[str, str], folder: Path) -> Iterator[Prometheus]:
    """It asks each job's target, and our rules, every second."""
    address = f"127.0.0.1:{free_port()}"
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(_config(targets)))
    arguments = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    arguments += [f"--web.listen-address={address}", "--log.level=error"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *arguments], stdout=log, stderr=log)
    try:
        running = Prometheus(address)
        until(lambda: _answers(running) and process.poll() is None)
        yield running
    finally:
        process.terminate()
        process.wait(30)


def until(holds: Callable[[], object], seconds: float = START_SECONDS) -> None:
    """Wait for it; `TimeoutError` when it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain")
        time.sleep(0.2)


def _config(targets: Mapping[str, str]) -> Json:
    """Ours, with other targets and more haste."""
    config: Json = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["global"]["external_labels"]["runbooks"] = "https://code.example/"
    config["rule_files"] = [str(PROMETHEUS / "rules" / "*.yml")]
    for job in config["scrape_configs"]:
        address = targets.get(job["job_name"].removeprefix("sidelight-"))
        job["static_configs"] = [{"targets": [address] if address else []}]
    return config


def _answers(running: Prometheus) -> bool:
    try:
        return running.values("vector(1)") != []
    except OSError:
        return False
