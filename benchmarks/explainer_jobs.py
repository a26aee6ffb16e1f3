"""How soon a job tells something, how soon a cancelled one frees the predictor, what is paid first.

    python -m benchmarks.explainer_jobs [--times 20]

The service as a process over HTTP (V2 JSON), a model of 30 numbers that takes 20 ms a call in this
process. A part is counted from the request to the first `partial` event, an end from DELETE until
the model sees its call taken back. The first request after readiness is beside the later ones.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI, Request, Response

from sidelight.protocols import v2
from sidelight.tensors import Column, Columns
from tests.explainers.serving import matrix, served
from tests.ports import free_port

FEATURES = 30
EXPLAIN = "/v1/models/m:explain"
CONFIG = """
models:
  m:
    predictor: {url: "%s", form: matrix, cache_bytes: 0}
    reference: reference.csv
    explainers: {shapley: {budget: 8192}}
explainers: {listen: "127.0.0.1:%d"}
"""


@dataclass
class Model:
    """Answers after `seconds`, and tells when it was asked and when a caller left."""

    seconds: float = 0.02
    asked: Queue[float] = field(default_factory=Queue)
    left: Queue[float] = field(default_factory=Queue)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v2/models/m/infer")
        async def infer(request: Request) -> Response:
            rows = v2.decode_request(await request.body())
            self.asked.put(time.perf_counter())
            leaving = asyncio.ensure_future(request.receive())
            done, _ = await asyncio.wait({leaving}, timeout=self.seconds)
            if done:
                self.left.put(time.perf_counter())
            leaving.cancel()
            return Response(v2.encode_response(_score(rows)), media_type="application/json")

        return app


def _score(rows: Columns) -> Columns:
    table = matrix(rows) if len(rows.columns) > 1 else rows.columns[0].values
    sums = table.sum(axis=1) + table[:, 0] * table[:, 1] * table[:, 2]
    return Columns((Column("y", np.tanh(sums)),))


@contextmanager
def _service(url: str) -> Iterator[httpx.Client]:
    with tempfile.TemporaryDirectory() as place:
        folder, port = Path(place), free_port()
        (folder / "sidelight.yaml").write_text(CONFIG % (url, port))
        rows = np.random.default_rng(0).normal(size=(500, FEATURES))
        lines = [",".join(f"f{at}" for at in range(FEATURES))]
        lines += [",".join(map(repr, row)) for row in rows.tolist()]
        (folder / "reference.csv").write_text("\n".join(lines))
        process = subprocess.Popen(
            [sys.executable, "-m", "sidelight.command", "explainers"],
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                _wait(client)
                yield client
        finally:
            process.terminate()
            process.wait()


def _wait(client: httpx.Client) -> None:
    while True:
        try:
            if client.get("/v2/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    rows = iter(np.random.default_rng(1).normal(size=(10_000, FEATURES)).tolist())
    model = Model()
    with served(model.app()) as url, _service(url) as client:
        first = _answered(client, next(rows))
        later = [_answered(client, next(rows)) for _ in range(times)]
        parts = [_first_part(client, next(rows)) for _ in range(times)]
        model.seconds = 10.0
        ends = [_freed(client, model, next(rows)) for _ in range(times)]
    print(f"{'ms':34}{'median':>9}{'largest':>9}")
    for name, told in (
        ("first request after readiness", [first]),
        ("later requests", later),
        ("first part of a job", parts),
        ("predictor free after DELETE", ends),
    ):
        print(f"{name:34}{1e3 * np.median(told):9.1f}{1e3 * max(told):9.1f}")


def _answered(client: httpx.Client, row: list[float]) -> float:
    return _timed(lambda: client.post(EXPLAIN, json={"instances": [row]}).raise_for_status())


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _begun(client: httpx.Client, row: list[float]) -> str:
    headers = {"prefer": "respond-async"}
    told = client.post(EXPLAIN, json={"instances": [row]}, headers=headers)
    return told.raise_for_status().headers["location"]


def _first_part(client: httpx.Client, row: list[float]) -> float:
    started = time.perf_counter()
    with client.stream("GET", f"{_begun(client, row)}/events") as stream:
        lines = stream.iter_lines()
        next(line for line in lines if line == "event: partial")
        took = time.perf_counter() - started
        for _ in lines:  # so that the next one finds the service idle
            pass
    return took


def _freed(client: httpx.Client, model: Model, row: list[float]) -> float:
    while not model.asked.empty():
        model.asked.get()
    place = _begun(client, row)
    model.asked.get(timeout=30)
    started = time.perf_counter()
    client.delete(place).raise_for_status()
    return model.left.get(timeout=30) - started


if __name__ == "__main__":
    main()
