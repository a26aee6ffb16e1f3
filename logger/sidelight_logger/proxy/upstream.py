"""Connections to the model server: one exchange at a time on each, kept for the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from sidelight.upstreams import Upstream
from sidelight_logger.proxy.counters import Counters
from sidelight_logger.proxy.refusal import Refusal
from sidelight_logger.proxy.sockets import keep_probing

_Connection = TypeVar("_Connection", bound=asyncio.Protocol)


async def dial(
    upstream: Upstream, protocol: Callable[[], _Connection], seconds: float
) -> _Connection:
    """A new connection, or the refusal that says why there is none."""
    try:
        async with asyncio.timeout(seconds):
            loop = asyncio.get_running_loop()
            _, made = await loop.create_connection(protocol, upstream.host, upstream.port)
    except TimeoutError as exc:
        reason = f"no connection to the model server {upstream.authority} in time"
        raise Refusal(f"{reason} ({seconds:g} s)", 504) from exc
    except OSError as exc:
        reason = f"the model server {upstream.authority} cannot be reached"
        raise Refusal(f"{reason}: {exc.strerror or exc}", 502) from exc
    return made


class Carried(Protocol):
    """What a connection carries: an exchange, as the upstream sees it."""

    def answer_received(self, data: bytes) -> None:
        """Bytes of the answer."""

    def answer_ended(self, cleanly: bool) -> None:
        """The upstream closed, or the connection broke; no more comes."""

    def request_blocked(self, blocked: bool) -> None:
        """The upstream does not take the request as fast as it comes."""


class UpstreamConnection(asyncio.Protocol):
    """One connection; what arrives while it carries nothing ends it."""

    def __init__(self, pool: UpstreamPool) -> None:
        self.idle_since = 0.0
        self._pool = pool
        self._carried: Carried | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def carry(self, exchange: Carried, data: bytes) -> None:
        self._carried = exchange
        self.write(data)

    def write(self, data: bytes) -> None:
        if self.usable:
            self._transport.write(data)  # type: ignore[union-attr] # usable says it is there

    def block(self, blocked: bool) -> None:
        """Stop or resume reading the answer."""
        if self._transport is None or self._transport.is_closing():
            return
        if blocked:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def release(self) -> None:
        """The exchange is over and the connection is as good as new."""
        self._carried = None
        if self.usable and not self._transport.get_write_buffer_size():  # type: ignore[union-attr]
            self._pool.keep(self)
        else:
            self.abort()

    def abort(self) -> None:
        """The exchange is over, and so is the connection."""
        self._carried = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        keep_probing(transport)
        self._pool.opened()

    def data_received(self, data: bytes) -> None:
        if self._carried is not None:
            self._carried.answer_received(data)
        else:
            self.abort()

    def eof_received(self) -> None:
        self._ended(cleanly=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._pool.closed(self)
        self._ended(cleanly=exc is None)

    def pause_writing(self) -> None:
        if self._carried is not None:
            self._carried.request_blocked(True)

    def resume_writing(self) -> None:
        if self._carried is not None:
            self._carried.request_blocked(False)

    def _ended(self, *, cleanly: bool) -> None:
        carried, self._carried = self._carried, None
        if carried is not None:
            carried.answer_ended(cleanly)


class UpstreamPool:
    """Opens connections and keeps the idle ones, the most recently used first."""

    def __init__(
        self, upstream: Upstream, counters: Counters, *, connect_seconds: float, idle_seconds: float
    ) -> None:
        self._upstream = upstream
        self._counters = counters
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._idle: list[UpstreamConnection] = []

    def take(self) -> UpstreamConnection | None:
        """An idle connection that nobody has closed as far as is known."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    def keep(self, connection: UpstreamConnection) -> None:
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)

    async def connect(self) -> UpstreamConnection:
        """A new connection, or the refusal that says why there is none."""
        return await dial(self._upstream, lambda: UpstreamConnection(self), self._connect_seconds)

    def expire(self, now: float) -> None:
        """Close what has been idle for too long."""
        while self._idle and now - self._idle[0].idle_since > self._idle_seconds:
            self._idle.pop(0).abort()

    def close(self) -> None:
        """Close all that is idle."""
        while self._idle:
            self._idle.pop().abort()

    def opened(self) -> None:
        self._counters.upstream_connected(1)

    def closed(self, connection: UpstreamConnection) -> None:
        self._counters.upstream_connected(-1)
        if connection in self._idle:
            self._idle.remove(connection)
