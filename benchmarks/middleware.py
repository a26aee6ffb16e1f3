"""What the middleware costs a prediction in the model server's own process: 1 KiB both ways.

    python -m benchmarks.middleware [--seconds 3] [--concurrency 1 16]

Uvicorn (httptools on uvloop) serves an echo, as plain ASGI and as FastAPI, without and with the
middleware, which hands over to a recorder that keeps nothing; and with Starlette's own way of
writing middleware (`BaseHTTPMiddleware`) that does nothing at all. CPU is that of all threads of
the server's process and does not depend on what else the machine does; the other figures do.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.middleware.base import BaseHTTPMiddleware

from benchmarks.proxy import WARM_UP_SECONDS, load, process, row, serve_drain, spawning
from sidelight_logger.middleware import PayloadLogger

PATH = "/v2/models/income/infer"


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """An echo without a framework."""
    assert scope["type"] == "http", "no lifespan"
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message.get("more_body", False)
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def framework() -> FastAPI:
    app = FastAPI()

    @app.post(PATH)
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    return app


async def nothing(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    return await call(request)


def serve(kind: str, how: str, listener: socket.socket, path: str) -> None:
    app: Any = plain if kind == "ASGI" else framework()
    if how == "middleware":
        app = PayloadLogger(app, path)
    elif how == "BaseHTTPMiddleware":
        app = BaseHTTPMiddleware(app, nothing)
    config = uvicorn.Config(app, log_level="critical", access_log=False)
    uvicorn.Server(config).run([listener])


def cpu_seconds(pid: int) -> float:
    """Of all threads that live."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@contextlib.contextmanager
def server(kind: str, how: str, path: str) -> Iterator[tuple[tuple[str, int], int]]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        running = spawning.Process(target=serve, args=(kind, how, listener, path), daemon=True)
        running.start()
        try:
            assert running.pid is not None
            time.sleep(3.0)  # for its imports: what comes before waits in the backlog
            yield listener.getsockname(), running.pid
        finally:
            running.kill()
            running.join()


def measure(kind: str, how: str, path: str, connections: int, seconds: float) -> float:
    """Print the row; the CPU microseconds of a request."""
    with server(kind, how, path) as (address, pid):
        load(address, connections, 1.0)
        before = cpu_seconds(pid)
        figures = load(address, connections, seconds)
        spent = cpu_seconds(pid) - before
    cpu_us = spent * 1e6 / (figures.requests_per_second * (seconds + WARM_UP_SECONDS))
    print(f"{f'{connections} at a time, {kind}, {how}':44}{row(figures)}{cpu_us:10.1f}", flush=True)
    return cpu_us


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 16])
    arguments = parser.parse_args()
    print("python -m benchmarks.middleware: 1 KiB request, 1 KiB answer")
    print(f"{'':44}{'requests/s':>12}{'p50 us':>10}{'p99 us':>10}{'CPU us':>10}")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "recorder")
        with process(serve_drain, path):
            for connections in arguments.concurrency:
                for kind in ("ASGI", "FastAPI"):
                    for how in ("alone", "middleware", "BaseHTTPMiddleware"):
                        measure(kind, how, path, connections, arguments.seconds)


if __name__ == "__main__":
    main()
