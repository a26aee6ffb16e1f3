"""The real thing: a model server, our logger before it, our detectors beside it, each a process."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.demo.prepare import free_addresses
from sidelight.log import Log, open_log
from sidelight.log.topics import INFERENCE
from sidelight.protocols import v2
from sidelight.tensors import Columns
from sidelight_detectors.fitted import fit
from sidelight_detectors.results.findings import Alarm, AttackResult
from sidelight_detectors.results.reading import read_alarms, read_results
from tests.detectors.attacking.targets import Target

PATIENCE_SECONDS = 60.0

PORTS = {"predictor": 0, "logger": 0, "logger metrics": 0, "detectors": 0}


@dataclass(frozen=True)
class Place:
    """Where a target is served, and the log that its exchanges are in."""

    target: Target
    host: str
    port: int
    log: Log

    def ask(self, rows: Columns) -> NDArray[np.float64]:
        """The probabilities that the server answers, by way of the logger: one exchange."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        path = f"/v2/models/{self.target.name}/infer"
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, v2.encode_request(rows), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200, body[:200]
        return np.asarray(v2.decode_response(body)["probability"].values, np.float64)

    def attacks(self) -> list[AttackResult]:
        """What is said of attacks so far."""
        told = (one.output for one in read_results(self.log))
        return [output for output in told if isinstance(output, AttackResult)]

    def alarms(self) -> list[Alarm]:
        return [one.output for one in read_alarms(self.log)]

    def first_attack(self) -> AttackResult:
        """The first that is told; fails when none is in time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := self.attacks()):
            assert time.monotonic() < deadline, f"no attack in {self.log.span(INFERENCE, 0)}"
            time.sleep(0.2)
        return found[0]


@contextmanager
def serving(folder: Path, target: Target, **adversarial: Any) -> Iterator[Place]:
    """All processes, ready; stopped at the end."""
    addresses = free_addresses(PORTS)
    config = _configured(folder, target, addresses, adversarial)
    server = ["tests.detectors.attacking.server", target.name, addresses["predictor"]]
    logger = ["sidelight.command", "logger", "--config", str(config)]
    detectors = ["sidelight.command", "detectors", "--config", str(config)]
    with ExitStack() as running:
        for name, module in (("server", server), ("logger", logger), ("detectors", detectors)):
            running.enter_context(_process(module, folder / f"{name}.out"))
        _await(addresses["predictor"], "/v2/health/ready")
        for service in ("logger metrics", "detectors"):
            _await(addresses[service], "/metrics")
        host, _, port = addresses["logger"].rpartition(":")
        log = open_log(str(folder / "log"))
        running.callback(log.close)
        yield Place(target, host, int(port), log)


def _configured(
    folder: Path, target: Target, addresses: dict[str, str], adversarial: dict[str, Any]
) -> Path:
    settings = target.settings(**adversarial)
    fit(target.reference, settings).save(folder / "reference.npz")
    model = json.loads(settings.model_dump_json(exclude_none=True))
    predictor = {"url": f"http://{addresses['predictor']}"}
    document = {
        "log": {"url": str(folder / "log")},
        "models": {
            target.name: {
                **model,
                "predictor": predictor,
                "reference": str(folder / "reference.npz"),
            }
        },
        "logger": {
            "listen": addresses["logger"],
            "metrics": addresses["logger metrics"],
            "upstream": predictor["url"],
        },
        "detectors": {"listen": addresses["detectors"], "run_rows": 20, "run_seconds": 0.2},
    }
    file = folder / "sidelight.yaml"
    file.write_text(json.dumps(document))
    return file


@contextmanager
def _process(module: Sequence[str], output: Path) -> Iterator[None]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with output.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *module], stdout=said, stderr=said, env=environment
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(address: str, path: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    host, _, port = address.rpartition(":")
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise AssertionError(f"http://{address}{path} did not answer")
