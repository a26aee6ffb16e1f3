"""Real HTTP servers on free loopback ports, for as long as a test runs."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response
from numpy.typing import NDArray

from sidelight.protocols import v1, v2
from sidelight.tensors import Column, Columns
from tests.ports import free_port

Floats = NDArray[np.float64]


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The base address of the app, served by uvicorn in a thread."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", log_config=None)
    )
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def matrix(rows: Columns) -> Floats:
    return np.column_stack([column.values for column in rows]).astype(np.float64)


def score(rows: Columns) -> Columns:
    """The served model: probabilities of no and yes from any numbers."""
    table = matrix(rows)
    yes = 1 / (1 + np.exp(-table[:, 0] * table[:, 1] - table.sum(axis=1)))
    return Columns((Column("probability", np.column_stack([1 - yes, yes])),))


def probability_of_yes(table: Floats) -> Floats:
    """What `score` says for yes, as a function of a table."""
    return np.asarray(1 / (1 + np.exp(-table[:, 0] * table[:, 1] - table.sum(axis=1))))


def model_app() -> FastAPI:
    """A model server speaking V1 and V2."""
    app = FastAPI()

    @app.post("/v1/models/{model}:predict")
    async def predict(model: str, request: Request) -> Response:
        return _json(v1.encode_response(score(v1.decode_request(await request.body()))))

    @app.post("/v2/models/{model}/infer")
    async def infer(model: str, request: Request) -> Response:
        return _json(v2.encode_response(score(v2.decode_request(await request.body()))))

    @app.get("/v1/models/{model}")
    @app.get("/v2/models/{model}/ready")
    async def ready(model: str) -> dict[str, Any]:
        return {"name": model, "ready": True}

    return app


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


class ModelProcess:
    """The model server as a process that can be killed and started again on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        argv = [sys.executable, "-m", "tests.explainers.serving", str(self.port)]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


def main() -> None:
    listening = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
    print("ready", flush=True)
    uvicorn.Server(uvicorn.Config(model_app(), log_level="error")).run(sockets=[listening])


if __name__ == "__main__":
    main()
