"""One small real job a service, done by the installed command alone."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.packaging.environment import Environment
from tests.sidelight.predictor_servers import respond, serving

MODEL = """
models:
  m:
    predictor: {model: m.skops}
    reference: reference.csv
    features: {x: numeric, z: numeric}
    outputs: {y: numeric}
    detectors: {drift: {window: 50}, outlier: {rate: 0.05}}
    explainers: {shapley: {background: 20}}
"""

TRAIN = """
import numpy as np, skops.io
from sklearn.linear_model import LinearRegression
table = np.loadtxt("reference.csv", delimiter=",", skiprows=1)
skops.io.dump(LinearRegression().fit(table[:, :2], table[:, 2]), "m.skops")
"""


def detect(environment: Environment) -> None:
    """Fit a reference, then find that other rows are not like it."""
    _write(environment.folder / "reference.csv", shift=0.0)
    _write(environment.folder / "shifted.csv", shift=2.0)
    (environment.folder / "sidelight.yaml").write_text(MODEL)
    environment.run(environment.sidelight, "fit")
    score = (environment.sidelight, "score", "--model", "m", "--format", "json")
    report = json.loads(environment.run(*score, "reference.csv", "--fail-on", "drift"))
    assert report["rows"] == 400
    environment.run(*score, "shifted.csv", "--fail-on", "drift", code=3)


def explain(environment: Environment) -> None:
    """Explain one row of y = x + 2z exactly."""
    _write(environment.folder / "reference.csv", shift=0.0)
    (environment.folder / "sidelight.yaml").write_text(MODEL)
    environment.run(environment.python, "-c", TRAIN)
    explanation = (environment.sidelight, "explain", "reference.csv", "--row", "0")
    data = json.loads(environment.run(*explanation, "--format", "json"))["data"]
    gap = data["prediction"] - data["base_value"]
    assert abs(sum(one["contribution"] for one in data["attributions"]) - gap) < 1e-9


def look_for_brokers(environment: Environment) -> None:
    """Ask Kafka's own client for topics where no broker is."""
    _name_a_log_on_kafka(environment)
    told = environment.run(environment.sidelight, "topics", code=1)
    assert told.startswith("sidelight: no Kafka at 127.0.0.1:1 answered")
    assert told.endswith("ECONNREFUSED\n")


def miss_kafka(environment: Environment) -> None:
    """Be told what to install for a log on Kafka."""
    _name_a_log_on_kafka(environment)
    told = environment.run(environment.sidelight, "topics", code=1)
    assert told.endswith("; run: pip install 'sidelight[kafka]'\n")


def _name_a_log_on_kafka(environment: Environment) -> None:
    (environment.folder / "sidelight.yaml").write_text(
        "log: {url: 'kafka://127.0.0.1:1/p', kafka: {timeout_seconds: 1}}\n"
    )


def forward(environment: Environment) -> None:
    """Answer one request through the logger, keep it in the log, and stop cleanly."""
    with serving(lambda connection, body: respond(connection, 200, body)) as upstream:
        port = _free_port()
        logger = subprocess.Popen(
            [environment.sidelight, "logger"],
            cwd=environment.folder,
            env=environment.variables()
            | {
                "SIDELIGHT_LOGGER__LISTEN": f"127.0.0.1:{port}",
                "SIDELIGHT_LOGGER__METRICS": "127.0.0.1:0",
                "SIDELIGHT_LOGGER__UPSTREAM": upstream.url,
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert _answered(port, "POST", "/v2/models/m/infer", b"hello") == b"hello"
        finally:
            logger.terminate()
            _, said = logger.communicate(timeout=60)
    assert logger.returncode == 0, said
    assert (environment.folder / "sidelight.db").is_dir()


def look(environment: Environment) -> None:
    """Show a page with the model, and the script that draws its charts, over an empty log."""
    _write(environment.folder / "reference.csv", shift=0.0)
    (environment.folder / "sidelight.yaml").write_text(MODEL)
    port = _free_port()
    dashboard = subprocess.Popen(
        [environment.sidelight, "dashboard", "--listen", f"127.0.0.1:{port}"],
        cwd=environment.folder,
        env=environment.variables(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert b"<h1>Overview</h1>" in _answered(port, "GET", "/")
        assert b"plotly.js" in _answered(port, "GET", "/static/plotly.min.js")[:200]
    finally:
        dashboard.terminate()
        _, said = dashboard.communicate(timeout=60)
    assert dashboard.returncode == 0, said


Job = Callable[[Environment], None]


def _write(path: Path, *, shift: float) -> None:
    chance = random.Random(1)
    rows = [(chance.gauss(shift, 1), chance.gauss(0, 1)) for _ in range(400)]
    lines = "\n".join(f"{x},{z},{x + 2 * z}" for x, z in rows)
    path.write_text(f"x,z,y\n{lines}\n")


def _answered(port: int, method: str, path: str, body: bytes = b"") -> bytes:
    deadline = time.monotonic() + 60
    while True:
        with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            try:
                connection.request(method, path, body)
                return connection.getresponse().read()
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
