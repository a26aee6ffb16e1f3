"""`sidelight up` with the real services, each in its own process."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest

from sidelight.command.banner import banner
from sidelight.config import load
from sidelight.config.services import configured
from tests.ports import free_ports
from tests.sidelight.predictor_servers import doubled, respond, serving
from tests.sidelight.test_command import run

CONFIG = """
models:
  m:
    predictor: {{url: "{upstream}"}}
    reference: reference.csv
    features: {{x: numeric}}
    outputs: {{y: numeric}}
    detectors: {{drift: {{window: 20}}}}
    explainers: {{shapley: {{background: 5}}}}
logger: {{listen: "127.0.0.1:{ports[0]}", metrics: "127.0.0.1:{ports[1]}"}}
detectors: {{listen: "127.0.0.1:{ports[2]}"}}
explainers: {{listen: "127.0.0.1:{ports[3]}"}}
dashboard: {{listen: "127.0.0.1:{ports[4]}"}}
"""
PATHS = ("/v2/health/ready", "/metrics", "/metrics", "/v2/health/ready", "/readyz")
"""What answers 200 once each address serves; the first goes through the proxy."""


@dataclass(frozen=True)
class Up:
    process: subprocess.Popen[bytes]
    ports: tuple[int, ...]
    said: Path

    def is_serving(self) -> bool:
        return all(_answers(port, path) for port, path in zip(self.ports, PATHS, strict=True))

    def below(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def services(self, name: str) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid).children()
        return [child for child in own if not is_gone(child) and name in child.cmdline()]

    def service(self, name: str) -> psutil.Process:
        (found,) = self.services(name)
        return found

    def came_back(self, gone: psutil.Process) -> bool:
        return is_gone(gone) and bool(self.services("detectors"))


def _model_server(connection: socket.socket, body: bytes) -> None:
    if body:
        doubled(connection, body)
    else:
        respond(connection, 200, b"{}")


def _answers(port: int, path: str) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False


def wait_until(condition: Callable[[], bool], seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    ports = free_ports(5)
    rows = "\n".join(f"{x},{2 * x}" for x in (random.Random(0).random() for _ in range(200)))
    (tmp_path / "reference.csv").write_text(f"x,y\n{rows}\n")
    said = tmp_path / "said"
    with serving(_model_server) as upstream, said.open("wb") as output:
        text = CONFIG.format(upstream=upstream.url, ports=ports)
        (tmp_path / "sidelight.yaml").write_text(text)
        process = subprocess.Popen(
            [sys.executable, "-m", "sidelight.command", "up"],
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        running = Up(process, ports, said)
        try:
            wait_until(lambda: process.poll() is not None or running.is_serving())
            assert process.poll() is None, said.read_text()
            yield running
        finally:
            process.kill()
            process.wait()


def test_all_services_run_come_back_and_stop_cleanly(up: Up) -> None:
    banner = up.said.read_text()
    for port in up.ports:
        assert f"http://127.0.0.1:{port}" in banner
    assert "m: drift, shapley" in banner

    wait_until(lambda: '"event": "all services ready"' in up.said.read_text())
    assert up.said.read_text().count('"event": "all services ready"') == 1

    first = up.service("detectors")
    first.kill()
    wait_until(lambda: is_gone(first) and up.is_serving())
    assert up.service("detectors").pid != first.pid

    below = up.below()
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(timeout=60) == 0, up.said.read_text()
    assert [process for process in below if not is_gone(process)] == []


def test_killing_a_watcher_again_and_again_never_stops_the_logger(up: Up) -> None:
    logger = up.service("logger").pid
    for _ in range(5):
        first = up.service("detectors")
        first.kill()
        wait_until(partial(up.came_back, first))
    assert up.service("logger").pid == logger
    assert _answers(up.ports[0], PATHS[0])
    assert '"event": "process crashed"' in up.said.read_text()


def test_killing_it_with_9_leaves_nothing_running(up: Up) -> None:
    below = up.below()
    assert len(below) >= 5
    up.process.kill()
    wait_until(lambda: all(is_gone(process) for process in below))


def test_a_folder_without_a_configuration_says_so(tmp_path: Path) -> None:
    ended = run("up", cwd=tmp_path)
    assert ended.returncode == 2
    assert "nothing to run: there is no sidelight.yaml in this folder; " in ended.stderr


def test_a_configuration_with_nothing_to_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sidelight.yaml").write_text("log: here\n")
    ended = run("up", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == (
        "sidelight: nothing to run: name a model with detectors or explainers, or logger.upstream\n"
    )


def test_a_wrong_reference_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "reference.csv").write_text("x,z\n1,2\n")
    text = CONFIG.format(upstream="http://127.0.0.1:1", ports=free_ports(5))
    (tmp_path / "sidelight.yaml").write_text(text)
    ended = run("up", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "sidelight: sidelight.yaml:7: models.m.reference (reference.csv): has no column 'y', "
        "named by models.m.outputs.y; there are x, z\n"
    )


def test_the_banner_says_when_no_logger_runs(tmp_path: Path) -> None:
    models = {
        name: {"predictor": {"url": f"http://127.0.0.1:{port}"}}
        for name, port in (("a", 1), ("b", 2))
    }
    (tmp_path / "sidelight.yaml").write_text(json.dumps({"models": models}))
    loaded = load(tmp_path / "sidelight.yaml", environ={})
    said = "\n".join(banner(loaded, configured(loaded.settings)))
    assert "traffic        not logged here: run 'sidelight logger --upstream URL'" in said


def test_an_address_in_use_is_given_up_and_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host, port = taken.getsockname()
        (tmp_path / "sidelight.yaml").write_text(
            f'logger: {{upstream: "http://127.0.0.1:1", listen: "{host}:{port}"}}'
        )
        ended = run("up", cwd=tmp_path)
    assert ended.returncode == 2
    assert "cannot listen on" in ended.stderr
    assert "gave up" in ended.stderr
