"""Connections of clients that send their request slowly, or do not read their answer."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS = 15.0
"""Within so long a request's head must have come, after its first byte or the connection."""
UNREAD_MS = 60_000
"""For so long a client may read nothing of an answer that waits for it."""


class Impatience(asyncio.Protocol):
    """Before a protocol of uvicorn, which by itself waits for ever for a head, and for a reader."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    cycle: Any
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        end_unread(transport.get_extra_info("socket"))
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._watch()
        else:
            self._unwatch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _unwatch(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def end_unread(connection: socket.socket | None) -> None:
    """Have the system end a connection whose other side takes nothing, where it knows how."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if connection is not None and option is not None:
        connection.setsockopt(socket.IPPROTO_TCP, option, UNREAD_MS)


class Impatient(Impatience, AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """Of uvicorn's protocols the one that is installed."""
