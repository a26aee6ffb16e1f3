"""Metrics and health over HTTP, in a thread of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

_TEXT = "text/plain; charset=utf-8"
_READ_SECONDS = 10.0
_SERVED = 32


class _Bounded(ThreadingHTTPServer):
    """Turns away who comes while too many are served: threads and files are not all theirs."""

    daemon_threads = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = BoundedSemaphore(_SERVED)

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any
    ) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started, which would give the place back
            self._places.release()
            raise

    def process_request_thread(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any
    ) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()


class Page:
    """``/metrics``, ``/healthz`` (it lives), ``/readyz`` (`unready` gives no reason).

    `details` are told by ``/readyz`` too, and change nothing about it.
    """

    def __init__(
        self,
        listener: socket.socket,
        registry: CollectorRegistry,
        unready: Callable[[], str],
        details: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        handler = _handler(registry, unready, details)
        self._server = _Bounded(listener.getsockname()[:2], handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listener

    def start(self) -> None:
        Thread(target=self._server.serve_forever, name="page", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(
    registry: CollectorRegistry, unready: Callable[[], str], details: Callable[[], Sequence[str]]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _READ_SECONDS

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry))
            elif path == "/healthz":
                self._answer(200, _TEXT, b"alive\n")
            elif path == "/readyz":
                reason = unready()
                text = "\n".join((reason or "ready", *details(), ""))
                self._answer(503 if reason else 200, _TEXT, text.encode())
            else:
                self._answer(404, _TEXT, b"try /metrics, /healthz or /readyz\n")

        def log_message(self, format: str, *args: object) -> None:
            """A scrape is no news."""

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            with suppress(ConnectionError):  # who asked may be gone: no news either
                self.end_headers()
                self.wfile.write(body)

    return Handler
