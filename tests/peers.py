"""Foreign model servers as predictors, each in an environment of its own (`scripts/peer-venv`).

    folder = sklearn_model(tmp_path / "income")      # a LogisticRegression on four columns
    with mlserver(folder) as url: ...                # http://127.0.0.1:PORT, model 'income'
    with kserve_server("linear", [1.0, -2.0], 0.5) as url: ...

The environments are built when first asked for (about a minute each, then kept in build/peers);
where that is not possible the test that asks is skipped and says why.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0

_TRAINING = """
import sys
import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
rows = np.random.default_rng(0).normal(size=(500, 4))
labels = (rows @ [1.0, -2.0, 0.5, 0.0] > 0).astype(int)
joblib.dump(LogisticRegression().fit(rows, labels), sys.argv[1])
"""

_KSERVE = """
import json
import sys
import numpy as np
import uvicorn
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

configure = uvicorn.Config.__init__
def on_loopback(self, app, host="", **rest):  # KServe listens on every interface, always
    configure(self, app, host="127.0.0.1", **rest)
uvicorn.Config.__init__ = on_loopback

port, name, coefficients, intercept = int(sys.argv[1]), sys.argv[2], *json.loads(sys.argv[3])

class Linear(Model):
    def load(self):
        self.ready = True

    def predict(self, payload, headers=None):
        if isinstance(payload, InferRequest):
            answer = payload.inputs[0].as_numpy() @ coefficients + intercept
            output = InferOutput("y", list(answer.shape), "FP64", answer.tolist())
            return InferResponse(payload.id, self.name, [output])
        answer = np.asarray(payload["instances"]) @ coefficients + intercept
        return {"predictions": answer.tolist()}

model = Linear(name)
model.load()
ModelServer(http_port=port, enable_grpc=False, workers=1).start([model])
"""


def peer_python(name: str) -> Path:
    """The interpreter of a peer's environment, which is built now if it is not there."""
    built = subprocess.run([ROOT / "scripts" / "peer-venv", name], capture_output=True, text=True)
    if built.returncode:
        pytest.skip(f"the environment of {name} cannot be built: {built.stderr.strip()[-300:]}")
    return ROOT / "build" / "peers" / name / "bin" / "python"


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
def mlserver(folder: Path) -> Iterator[str]:
    """MLServer with the models of a folder: its base URL."""
    http, grpc, metrics = free_ports(3)
    ports = {"http_port": http, "grpc_port": grpc, "metrics_port": metrics}
    settings = {"host": "127.0.0.1", "debug": False, "parallel_workers": 0, **ports}
    (folder / "settings.json").write_text(json.dumps(settings))
    program = [str(peer_python("mlserver").with_name("mlserver")), "start", str(folder)]
    with _serving(program, f"http://127.0.0.1:{http}") as url:
        yield url


@contextlib.contextmanager
def kserve_server(name: str, coefficients: Sequence[float], intercept: float) -> Iterator[str]:
    """KServe's own Python server with a linear model: its base URL."""
    (port,) = free_ports(1)
    model = json.dumps([list(coefficients), intercept])
    program = [str(peer_python("kserve")), "-c", _KSERVE, str(port), name, model]
    with _serving(program, f"http://127.0.0.1:{port}") as url:
        yield url


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        return [
            held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for _ in range(count)
        ]


@contextlib.contextmanager
def _serving(program: Sequence[str], url: str) -> Iterator[str]:
    child = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _wait_until_ready(child, f"{url}/v2/health/ready")
        yield url
    finally:
        child.terminate()
        child.communicate()


def _wait_until_ready(child: subprocess.Popen[str], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=1.0).close()
            return
        time.sleep(0.1)
    child.kill()
    raise RuntimeError(f"{url} did not get ready: {child.communicate()[1][-1000:]}")
