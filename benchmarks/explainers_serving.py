"""Shapley explanations a second behind a real MLServer, beside mlserver-alibi-explain.

    python -m benchmarks.explainers_serving [--seconds 10] [--latency 0 5 20] [--no-peer]

A logistic regression of breast-cancer (30 features) served by MLServer (V2 JSON, all features as
one input), predictor, explainer and callers on the same cores. Calls and rows are counted in the
predictor. Latency is what each call sleeps there. "alone" is the share of answers that are, number
for number, what the same request gets when nothing else is under way. The peer explains with
alibi's KernelShap against 10 k-means rows, its own cheapest form, in an environment of its own
(`scripts/peer-venv mlserver-alibi`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer

from tests import peers
from tests.ports import free_port, free_ports

MODEL = "cancer"
ROOT = Path(__file__).resolve().parents[1]
BUDGETS = (1024, 2048)
CONCURRENCY = (1, 8, 16)
LATENCIES = (0, 5, 20)
EXPLAINED = 569

_RUNTIME = """
import asyncio
import os
import struct

import numpy as np
from mlserver_sklearn import SKLearnModel

COUNTED = os.open(os.environ["COUNTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
SECONDS = float(os.environ["LATENCY_MS"]) / 1000


class Counting(SKLearnModel):
    async def predict(self, payload):
        os.write(COUNTED, struct.pack("<i", payload.inputs[0].shape[0]))
        await asyncio.sleep(SECONDS)
        return await super().predict(payload)
"""

_TRAINING = """
import sys
import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
table, labels = load_breast_cancer(return_X_y=True)
joblib.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(table, labels), sys.argv[1])
"""

_EXPLAINER = """
import sys
import numpy as np
import shap
from alibi.explainers import KernelShap
from sklearn.datasets import load_breast_cancer
table, labels = load_breast_cancer(return_X_y=True)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, labels)
explainer = KernelShap(model.predict_proba)
explainer.fit(table[:100], summarise_background=True, n_background_samples=10)
explainer.save(sys.argv[1])
"""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    who: str
    latency: int
    concurrency: int
    done: int
    failed: int
    seconds: float
    waits: NDArray[np.float64]
    calls: int
    rows: int
    alone: float

    def __str__(self) -> str:
        done = max(self.done, 1)
        p50, p95 = np.percentile(self.waits, [50, 95]) if self.done else (np.nan, np.nan)
        return (
            f"{self.who:<28}{self.latency:>4} ms{self.concurrency:>4}"
            f"{self.done / self.seconds:>9.1f}"
            f"{p50:>8.2f}{p95:>8.2f}{self.failed:>8}{self.calls / done:>8.2f}"
            f"{self.rows / done:>9.0f}{self.alone:>8.0%}"
        )


class Counter:
    """Calls and rows that reached the predictor since the last look."""

    def __init__(self, path: Path) -> None:
        self._path, self._seen = path, 0
        path.touch()

    def taken(self) -> tuple[int, int]:
        counts = np.fromfile(self._path, "<i4")
        new, self._seen = counts[self._seen :], len(counts)
        return len(new), int(new.sum())


@contextlib.contextmanager
def predictor(folder: Path, latency: int) -> Iterator[tuple[peers.Server, Counter]]:
    """MLServer with the counting model."""
    place = folder / f"served-{latency}"
    place.mkdir()
    (place / "counting.py").write_text(_RUNTIME)
    subprocess.run([peers.peer_python("mlserver"), "-c", _TRAINING, place / "m.joblib"], check=True)
    settings = {
        "name": MODEL,
        "implementation": "counting.Counting",
        "parameters": {"uri": str(place / "m.joblib")},
    }
    (place / "model-settings.json").write_text(json.dumps(settings))
    counted = place / "counted"
    told = {"COUNTED": str(counted), "LATENCY_MS": str(latency), "PYTHONPATH": str(place)}
    with peers.mlserver(place, **told) as server:
        yield server, Counter(counted)


@contextlib.contextmanager
def ours(folder: Path, server: peers.Server, budget: int) -> Iterator[str]:
    """`sidelight explainers` in front of it, as a process."""
    table, _ = load_breast_cancer(return_X_y=True)
    names = [f"f{at:02}" for at in range(table.shape[1])]
    reference = folder / "reference.parquet"
    pa.parquet.write_table(pa.table(dict(zip(names, table.T, strict=True))), reference)
    port = free_port()
    config = folder / f"sidelight-{budget}.yaml"
    asked = {"url": server.http, "form": "matrix", "output": "predict_proba[1]"}
    shapley = {"budget": budget}
    model = {"predictor": asked, "reference": str(reference), "explainers": {"shapley": shapley}}
    document = {
        "log": str(folder / "log"),
        "models": {MODEL: model},
        "explainers": {"listen": f"127.0.0.1:{port}"},
    }
    config.write_text(json.dumps(document))
    program = [sys.executable, "-m", "sidelight.command", "explainers", "--config", str(config)]
    with _process(program, f"http://127.0.0.1:{port}/v2/health/ready"):
        yield f"http://127.0.0.1:{port}/v2/models/{MODEL}/explain"


@contextlib.contextmanager
def theirs(folder: Path, server: peers.Server) -> Iterator[str]:
    """mlserver-alibi-explain in front of it, as a process."""
    place = folder / "alibi"
    place.mkdir()
    python = peers.peer_python("mlserver-alibi")
    subprocess.run([python, "-c", _EXPLAINER, place / "explainer"], check=True, capture_output=True)
    settings = {
        "name": MODEL,
        "implementation": "mlserver_alibi_explain.AlibiExplainRuntime",
        "parameters": {
            "uri": str(place / "explainer"),
            "extra": {
                "explainer_type": "kernel_shap",
                "infer_uri": f"{server.http}/v2/models/{MODEL}/infer",
                "infer_output": "predict_proba",
                "explainer_batch": True,
            },
        },
    }
    (place / "model-settings.json").write_text(json.dumps(settings))
    http, grpc, metrics = free_ports(3)
    ports = {"http_port": http, "grpc_port": grpc, "metrics_port": metrics}
    (place / "settings.json").write_text(
        json.dumps({"host": "127.0.0.1", "debug": False, "parallel_workers": 0, **ports})
    )
    program = [str(python.with_name("mlserver")), "start", str(place)]
    with _process(program, f"http://127.0.0.1:{http}/v2/health/ready"):
        yield f"http://127.0.0.1:{http}/v2/models/{MODEL}/infer"


@contextlib.contextmanager
def _process(program: list[str], ready: str) -> Iterator[None]:
    with tempfile.TemporaryFile("w+") as words:
        child = subprocess.Popen(program, stdout=words, stderr=words, cwd=ROOT)
        try:
            for _ in range(600):
                if child.poll() is not None:
                    break
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    urllib.request.urlopen(ready, timeout=1.0).close()
                    yield
                    return
                time.sleep(0.1)
            words.seek(0)
            raise RuntimeError(f"{ready} did not get ready: {words.read()[-1000:]}")
        finally:
            child.terminate()
            child.wait()


@cache
def _body(at: int) -> bytes:
    table, _ = load_breast_cancer(return_X_y=True)
    one = {"name": "x", "datatype": "FP64", "shape": [1, 30], "data": [table[at].tolist()]}
    return json.dumps({"inputs": [one]}).encode()


def asked(url: str, at: int) -> tuple[float, str | None, Any]:
    """Seconds, the error if any, and the answer's numbers for one row."""
    request = urllib.request.Request(url, _body(at), {"content-type": "application/json"})
    started = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            told = json.loads(json.loads(response.read())["outputs"][0]["data"][0])
    except urllib.error.URLError as exc:
        return time.perf_counter() - started, str(exc), None
    data = told["data"]
    numbers = (
        [one["contribution"] for one in data["attributions"]]
        if "attributions" in data
        else (data["shap_values"])
    )
    return time.perf_counter() - started, None, numbers


def measured(
    who: str, url: str, latency: int, concurrency: int, seconds: float, counter: Counter
) -> Row:
    """Callers that ask one after the other, for so long; then each row again, alone."""
    ends = time.perf_counter() + seconds
    counter.taken()
    started = time.perf_counter()

    def caller(number: int) -> list[tuple[int, float, str | None, Any]]:
        told, at = [], number
        while time.perf_counter() < ends:
            told.append((at % EXPLAINED, *asked(url, at % EXPLAINED)))
            at += concurrency
        return told

    with ThreadPoolExecutor(concurrency) as pool:
        every = [one for told in pool.map(caller, range(concurrency)) for one in told]
    spent = time.perf_counter() - started
    calls, rows = counter.taken()
    fine = [(at, wait, numbers) for at, wait, error, numbers in every if error is None]
    sample = {at: numbers for at, _, numbers in fine[:: max(1, len(fine) // 8)]}
    same = [np.array_equal(asked(url, at)[2], numbers) for at, numbers in sample.items()]
    counter.taken()
    waits = np.array([wait for _, wait, _ in fine])
    alone = float(np.mean(same)) if same else 0.0
    return Row(
        who,
        latency,
        concurrency,
        len(fine),
        len(every) - len(fine),
        spent,
        waits,
        calls,
        rows,
        alone,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--latency", type=int, nargs="+", default=LATENCIES, help="in ms")
    parser.add_argument("--no-peer", action="store_true")
    told = parser.parse_args()
    print(
        f"{'':<28}{'latency':>7}{'c':>4}{'expl./s':>9}{'p50 s':>8}{'p95 s':>8}{'failed':>8}"
        f"{'calls':>8}{'rows':>9}{'alone':>8}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for latency in told.latency:
            with predictor(folder, latency) as (server, counter):
                for budget in BUDGETS:
                    with ours(folder, server, budget) as url:
                        _sweep(f"sidelight, {budget} rows", url, latency, told.seconds, counter)
                if latency == 0 and not told.no_peer:
                    with theirs(folder, server) as url:
                        _sweep("mlserver-alibi, KernelShap", url, latency, told.seconds, counter)


def _sweep(who: str, url: str, latency: int, seconds: float, counter: Counter) -> None:
    asked(url, 0)
    for concurrency in CONCURRENCY:
        print(measured(who, url, latency, concurrency, seconds, counter), flush=True)


if __name__ == "__main__":
    main()
