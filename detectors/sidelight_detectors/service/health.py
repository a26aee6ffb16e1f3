"""A small HTTP server for metrics, liveness and readiness."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import CollectorRegistry, make_wsgi_app

from sidelight.config.addresses import Listen
from sidelight.errors import ConfigError

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

LIVE = ("/healthz", "/v2/health/live")
READY = ("/readyz", "/v2/health/ready")


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether all is ready; `text` says what is waited for, or what is done here."""

    is_ready: bool
    text: str


def application(registry: CollectorRegistry, readiness: Callable[[], Readiness]) -> Application:
    """The routes."""
    metrics: Application = make_wsgi_app(registry)

    def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start_response)
        if path in LIVE:
            return _answer(start_response, "200 OK", {"live": True})
        if path in READY:
            return _readiness(start_response, readiness())
        routes = ["/metrics", *LIVE, *READY]
        told = {"error": f"nothing at {path[:200]!r}; there are {', '.join(routes)}"}
        return _answer(start_response, "404 Not Found", told)

    return respond


def _readiness(start_response: Callable[..., Any], now: Readiness) -> Iterable[bytes]:
    if now.is_ready:
        return _answer(start_response, "200 OK", {"ready": True, "detail": now.text})
    told = {"ready": False, "error": now.text}
    return _answer(start_response, "503 Service Unavailable", told)


def _answer(start_response: Callable[..., Any], status: str, body: object) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [orjson.dumps(body)]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10  # Seconds; who connects and says nothing must not keep a thread for ever.

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape every few seconds is no news."""


def serve(listen: Listen, app: Application) -> _Server:
    """Answer in a thread of its own until `shutdown`; `server_port` is the port taken."""
    try:
        server = make_server(listen.host, listen.port, app, _Server, _Quiet)
    except OSError as exc:
        raise ConfigError(
            f"detectors.listen {listen}: {exc.strerror}; name a free address"
        ) from exc
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
