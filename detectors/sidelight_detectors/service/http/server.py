"""Answers HTTP in a thread of its own, on an event loop of its own, beside the log's loop."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from sidelight.config.addresses import Listen
from sidelight.errors import ConfigError

GRACE_SECONDS = 5
"""For requests under way when the service ends."""

MAX_CONNECTIONS = 512
"""Above it the answer is 503."""


@contextmanager
def serve(listen: Listen, app: FastAPI) -> Iterator[int]:
    """The port taken; `ConfigError` when the address is not free."""
    with _bound(listen) as bound:
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
        thread = threading.Thread(target=server.run, args=([bound],), name="http", daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        try:
            yield int(bound.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def _bound(listen: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        return socket.create_server((listen.host, listen.port), family=family, backlog=128)
    except OSError as exc:
        raise ConfigError(
            f"detectors.listen {listen}: {exc.strerror}; name a free address"
        ) from exc
