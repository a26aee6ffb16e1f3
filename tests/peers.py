"""Foreign model servers as predictors, each in an environment of its own (`scripts/peer-venv`).

    folder = sklearn_model(tmp_path / "income")      # a LogisticRegression on four columns
    with mlserver(folder) as server: ...             # server.http, server.grpc; model 'income'
    with kserve_server("linear", [1.0, -2.0], 0.5) as server: ...

The environments are built when first asked for (about a minute each, then kept in build/peers);
where that is not possible the test that asks is skipped and says why.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120.0
BUILD_SECONDS = 200
"""So that a test is skipped before its time is over, which counts what it waits for here."""
TIMED_OUT = 124

_TRAINING = """
import sys
import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
rows = np.random.default_rng(0).normal(size=(500, 4))
labels = (rows @ [1.0, -2.0, 0.5, 0.0] > 0).astype(int)
joblib.dump(LogisticRegression().fit(rows, labels), sys.argv[1])
"""

_MLSERVER = """
from mlserver.cli.main import main
main()
"""

_KSERVE_ON_LOOPBACK = """
import grpc.aio
import uvicorn

configure = uvicorn.Config.__init__
def on_loopback(self, app, host="", **rest):  # KServe listens on every interface, always
    configure(self, app, host="127.0.0.1", **rest)
uvicorn.Config.__init__ = on_loopback

make_server = grpc.aio.server
def grpc_on_loopback(*given, **rest):
    server = make_server(*given, **rest)
    listen = server.add_insecure_port
    server.add_insecure_port = lambda address: listen(address.replace("[::]", "127.0.0.1"))
    return server
grpc.aio.server = grpc_on_loopback
"""

_KSERVE = """
import json
import sys
import numpy as np
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

http, rpc, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
coefficients, intercept = json.loads(sys.argv[4])

class Linear(Model):
    def load(self):
        self.ready = True

    def predict(self, payload, headers=None):
        if isinstance(payload, InferRequest):
            answer = payload.inputs[0].as_numpy() @ coefficients + intercept
            output = InferOutput("y", list(answer.shape), "FP64")
            output.set_data_from_numpy(answer, binary_data=payload.use_binary_outputs)
            asked = {"use_binary_outputs": payload.use_binary_outputs}
            asked["requested_outputs"] = payload.request_outputs
            return InferResponse(payload.id, self.name, [output], **asked)
        answer = np.asarray(payload["instances"]) @ coefficients + intercept
        return {"predictions": answer.tolist()}

model = Linear(name)
model.load()
ModelServer(http_port=http, grpc_port=rpc, workers=1).start([model])
"""


@dataclass(frozen=True)
class Server:
    """Where a peer listens: ``http://127.0.0.1:PORT`` and ``grpc://127.0.0.1:PORT``."""

    http: str
    grpc: str

    @classmethod
    def on(cls, http: int, grpc: int) -> Server:
        return cls(f"http://127.0.0.1:{http}", f"grpc://127.0.0.1:{grpc}")


def peer_python(name: str, seconds: int = BUILD_SECONDS) -> Path:
    """The interpreter of a peer's environment, which is built now if it is not there."""
    if fault := _fault(name, seconds):
        pytest.skip(f"the environment of {name} cannot be built: {fault}")
    return ROOT / "build" / "peers" / name / "bin" / "python"


def built_peer_python(name: str) -> Path:
    """Likewise of one that is too large for a single test: it is built by hand, or not asked."""
    if not (ROOT / "build" / "peers" / name / ".stamp").exists():
        pytest.skip(f"{name} is not here; build its environment with scripts/peer-venv {name}")
    return peer_python(name)


@functools.cache
def _fault(name: str, seconds: int) -> str:
    """Why it cannot be built; asked once, since without a network each try takes a minute."""
    line = ["timeout", str(seconds), str(ROOT / "scripts" / "peer-venv"), name]
    built = subprocess.run(line, capture_output=True, text=True)
    if built.returncode == TIMED_OUT:
        return f"that takes more than {seconds} s; run scripts/peer-venv {name} before the tests"
    return built.stderr.strip()[-300:] if built.returncode else ""


def sklearn_model(folder: Path, name: str = "income") -> Path:
    """A folder that MLServer serves: a classifier of four columns, trained in its environment."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = folder / "model.joblib"
    subprocess.run([peer_python("mlserver"), "-c", _TRAINING, saved], check=True)
    settings = {
        "name": name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(saved), "version": "v1"},
    }
    (folder / "model-settings.json").write_text(json.dumps(settings))
    return folder


@contextlib.contextmanager
def mlserver(folder: Path, prelude: str = "", **environment: str) -> Iterator[Server]:
    """MLServer with the models of a folder, and these variables added to its environment.

    `prelude` is run in its process before it starts.
    """
    http, grpc, metrics = free_ports(3)
    ports = {"http_port": http, "grpc_port": grpc, "metrics_port": metrics}
    settings = {"host": "127.0.0.1", "debug": False, "parallel_workers": 0, **ports}
    (folder / "settings.json").write_text(json.dumps(settings))
    program = [str(peer_python("mlserver")), "-c", prelude + _MLSERVER, "start", str(folder)]
    with _serving(program, Server.on(http, grpc), environment) as server:
        yield server


@contextlib.contextmanager
def kserve_server(name: str, coefficients: Sequence[float], intercept: float) -> Iterator[Server]:
    """KServe's own Python server with a linear model."""
    model = json.dumps([list(coefficients), intercept])
    with kserve_program(_KSERVE, name, model) as server:
        yield server


@contextlib.contextmanager
def kserve_program(code: str, *arguments: str, **environment: str) -> Iterator[Server]:
    """A program on KServe's SDK, which is told its HTTP port, its gRPC port and the arguments."""
    http, grpc = free_ports(2)
    interpreter = str(peer_python("kserve"))
    program = [interpreter, "-c", _KSERVE_ON_LOOPBACK + code, str(http), str(grpc), *arguments]
    with _serving(program, Server.on(http, grpc), environment) as server:
        yield server


@contextlib.contextmanager
def _serving(
    program: Sequence[str], server: Server, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    # Into a file, because a pipe that nobody reads stops the server when it is full.
    with tempfile.TemporaryFile("w+") as words:
        told = os.environ | (environment or {})
        child = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=words, env=told)
        try:
            _wait_until_ready(child, f"{server.http}/v2/health/ready", words)
            yield server
        finally:
            child.terminate()
            child.wait()


def _wait_until_ready(child: subprocess.Popen[bytes], url: str, words: IO[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=1.0).close()
            return
        time.sleep(0.1)
    words.seek(0)
    raise RuntimeError(f"{url} did not get ready: {words.read()[-1000:]}")
