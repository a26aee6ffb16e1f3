"""An application with the middleware in a real server: uvicorn in a thread of this process."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from sidelight_logger.middleware import PayloadLogger
from tests.logger.proxy_running import (
    PATIENCE_SECONDS,
    DummyRecorder,
    dummy_recorder,
    wait_until,
)


class Served:
    """Where it is served, the middleware, and what the recorder gets of it."""

    def __init__(self, address: str, logger: PayloadLogger, recorder: DummyRecorder) -> None:
        self.address = address
        self.logger = logger
        self.recorder = recorder
        self.client = httpx.Client(base_url=address, timeout=PATIENCE_SECONDS)


@contextlib.contextmanager
def uvicorn_of(app: Any, **options: Any) -> Iterator[str]:
    """The address of an application in uvicorn."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", **options))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextlib.contextmanager
def logged(app: Any, path: Path | None = None, **options: Any) -> Iterator[Served]:
    """The application behind the middleware, which hands over to a recorder that keeps captures."""
    with dummy_recorder() as recorder:
        logger = PayloadLogger(app, path or recorder.path, **options)
        with uvicorn_of(logger) as address:
            served = Served(address, logger, recorder)
            try:
                yield served
            finally:
                served.client.close()
