"""The demo's two processes: the model server, and `sidelight up` with the demo's configuration."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sidelight.demo.prepare import Stage
from sidelight.errors import SidelightError
from sidelight.tether import tied

START_SECONDS = 120.0
STOP_SECONDS = 20.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""A small model answers small batches faster without a team of threads."""


@contextmanager
def running(stage: Stage) -> Iterator[None]:
    """Both processes, ready to serve; stopped at the end. Their output is in `stage.folder`."""
    services = ["sidelight.command", "up", "--config", str(stage.config)]
    with (
        model_server(stage),
        _process(services, stage.folder / "sidelight.log") as sidelight,
    ):
        for service in ("logger metrics", "detectors"):
            _await(sidelight, stage.addresses[service], "/metrics")
        _await(sidelight, stage.addresses["explainers"], "/v2/health/ready")
        _await(sidelight, stage.addresses["dashboard"], "/healthz")
        yield


@contextmanager
def model_server(stage: Stage) -> Iterator[None]:
    """The model server alone, ready to serve."""
    server = ["sidelight.demo.server", str(stage.model_file), stage.addresses["predictor"]]
    with _process(server, stage.folder / "predictor.log") as process:
        _await(process, stage.addresses["predictor"], "/v2/health/ready")
        yield


@contextmanager
def _process(module: Sequence[str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own modules
            tied([sys.executable, "-m", *module]),
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | ONE_THREAD,
            # A group of its own: Ctrl-C reaches the demo alone, which stops all in order.
            process_group=0,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], address: str, path: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SidelightError(
                f"a process of the demo ended with code {process.returncode} before"
                f" http://{address}{path} answered; its *.log beside the configuration says why"
            )
        if _answers(address, path):
            return
        time.sleep(0.1)
    raise SidelightError(
        f"http://{address}{path} did not answer within {START_SECONDS:.0f} s;"
        " the *.log files beside the configuration say why"
    )


def _answers(address: str, path: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
