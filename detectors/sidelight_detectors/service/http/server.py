"""Answers HTTP in a thread of its own, on an event loop of its own, beside the log's loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from sidelight.config.addresses import Listen
from sidelight.serving.listening import bound

GRACE_SECONDS = 5
"""For requests under way when the service ends."""

MAX_CONNECTIONS = 512
"""Above it the answer is 503."""


@contextmanager
def serve(listen: Listen, app: FastAPI) -> Iterator[int]:
    """The port taken; `ConfigError` when the address is not free."""
    with bound("detectors.listen", str(listen)) as listens:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=GRACE_SECONDS,
                limit_concurrency=MAX_CONNECTIONS,
            )
        )
        thread = threading.Thread(target=server.run, args=([listens],), name="http", daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        try:
            yield int(listens.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
