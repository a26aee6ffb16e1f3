"""The middleware: every HTTP request of the application is handed to the recorder as it passes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from sidelight.errors import ConfigError
from sidelight.events.ids import IdMint
from sidelight_logger.correlation import NO_IDS, Correlation, TraceContext
from sidelight_logger.middleware.handover import Handover
from sidelight_logger.middleware.heads import request_head
from sidelight_logger.middleware.passing import Passing
from sidelight_logger.middleware.telling import tell
from sidelight_logger.wire.tally import ProxyStats

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_VARIABLE = "SIDELIGHT_LOGGER__SOCKET"
_PATH_BYTES = 107
"""The longest path of a unix socket."""
_UNSEEN = ("http.response.pathsend", "http.response.zerocopysend")
"""Extensions by which bodies would go past the application."""


class PayloadLogger:
    """Logs the payloads of an ASGI application (FastAPI, Starlette, any other), and changes none.

        app.add_middleware(PayloadLogger, socket="/run/sidelight/logger.sock")

    `socket` is the recorder's `logger.socket`; the variable ``SIDELIGHT_LOGGER__SOCKET`` names it
    when it is not given. Bodies are kept up to `max_body` bytes, not above the recorder's own.
    Each process holds at most `buffer_bytes` of captures; more are dropped and counted. At the end
    of the application's lifespan what is left goes out, for at most `drain_seconds`.
    """

    def __init__(
        self,
        app: Application,
        socket: str | Path | None = None,
        *,
        max_body: int = 4 << 20,
        buffer_bytes: int = 16 << 20,
        return_request_id: bool = True,
        trace_context: TraceContext = "pass",
        drain_seconds: float = 2.0,
    ) -> None:
        self._app = app
        self._path = _socket_path(socket)
        self._max_body = _size("max_body", max_body)
        self._buffer_bytes = _size("buffer_bytes", buffer_bytes)
        self._return_request_id = return_request_id
        self._drain_seconds = drain_seconds
        self._mint = IdMint()
        self._correlation = Correlation(trace_context)
        self._handover: Handover | None = None
        self._process = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._pass(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    @property
    def stats(self) -> ProxyStats:
        """What this process has counted; zeros before its first request."""
        return self._handover.stats if self._handover else ProxyStats()

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            passing = self._begin(scope, receive, send)
        except Exception as exc:  # nothing of ours may cost the application a request
            tell(exc)
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, passing.receive, passing.send)
        finally:
            passing.end()

    def _begin(self, scope: Scope, receive: Receive, send: Send) -> Passing:
        id_ = self._mint()
        head = request_head(scope)
        given = self._correlation.given(id_, head.ids)
        recording = self._started().begin(id_, given.captured(head.raw))
        # In the same scope, not a copy: whoever stands before us reads in it, after the request,
        # what the application wrote there (its route, for one).
        if added := given.missing_in(head.ids):
            scope["headers"] = [*scope["headers"], *added]
        if any(name in _UNSEEN for name in scope.get("extensions") or ()):
            seen = {key: value for key, value in scope["extensions"].items() if key not in _UNSEEN}
            scope["extensions"] = seen
        returned = given if self._return_request_id else NO_IDS
        return Passing(recording, head, receive, send, returned)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._started()  # so that the recorder is there when the first request comes
        except Exception as exc:  # likewise, nor its start
            tell(exc)

        async def told(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await self._ended()
            await send(message)

        await self._app(scope, receive, told)

    async def _ended(self) -> None:
        """Hand over what is left, in a thread: a gRPC server may share the event loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # it is not asyncio's
            self.close()
        else:
            await loop.run_in_executor(None, self.close)

    def close(self) -> None:
        """Hand over what is left. Only for servers that have no lifespan: it is done at its end."""
        handover, self._handover = self._handover, None
        if handover is not None and self._process == os.getpid():
            handover.close(self._drain_seconds)

    def _started(self) -> Handover:
        """A thread does not live on in a forked process, so each has a handover of its own."""
        if self._handover is None or self._process != os.getpid():
            self._process = os.getpid()
            self._handover = Handover(self._path, self._buffer_bytes, self._max_body)
            self._handover.start()
        return self._handover


def _socket_path(socket: str | Path | None) -> Path:
    named = socket or os.environ.get(_VARIABLE)
    if not named:
        raise ConfigError(f"PayloadLogger: no socket is named; give `socket`, or set {_VARIABLE}")
    path = Path(named).absolute()
    if len(os.fsencode(path)) > _PATH_BYTES:
        raise ConfigError(f"PayloadLogger: {path} is longer than {_PATH_BYTES} bytes; shorten it")
    return path


def _size(name: str, value: int) -> int:
    """Of a wrong one every request would tell, and none be logged."""
    if not isinstance(value, int) or value < 0:
        raise ConfigError(f"PayloadLogger: {name} is {value!r}; give a number of bytes")
    return value
