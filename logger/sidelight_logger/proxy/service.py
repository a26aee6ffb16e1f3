"""The proxy as a whole: its clients, its upstream, its recorder, and how it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sidelight.events.ids import IdMint
from sidelight_logger.correlation import Correlation, Ids
from sidelight_logger.proxy.client import ClientConnection
from sidelight_logger.proxy.counters import Counters
from sidelight_logger.proxy.exchange import Exchange
from sidelight_logger.proxy.h2.streams import Stream
from sidelight_logger.proxy.head import RequestHead
from sidelight_logger.proxy.link import Budget, RecorderLink
from sidelight_logger.proxy.probing import Probing
from sidelight_logger.proxy.recording import NoRecorder, Recorder
from sidelight_logger.proxy.settings import ProxySettings
from sidelight_logger.proxy.upstream import UpstreamPool
from sidelight_logger.wire.tally import Cells

_SWEEP_SECONDS = 0.5
_BACKLOG = 1024
_FLUSH_SECONDS = 2.0
"""How long the recorder may take at the end at least, if nothing is left of the grace."""
_STEP_SECONDS = 0.01
_CUT_STEPS = 100
"""Until a connection that is cut has ended, and what was under way on it is with the recorder."""
_LAST_CALL = 0.5
"""At the end the door is closed after this share of the grace, however many still come."""
_IDLE_SECONDS = 0.5
"""At the end: a client that asks without a break has its next request under way by then. Closing
its connection at once would cost it that request."""


class Client(Protocol):
    """A client's connection, as the proxy sees it."""

    def check(self, now: float) -> None:
        """Close it when its client is too slow; called about twice a second."""

    def leave(self, idle_since: float) -> None:
        """The proxy is about to end: close if nothing has been under way since then."""

    def abort(self) -> None:
        """Close now, whatever is under way."""


class Leftover(NamedTuple):
    """What the grace was too short for."""

    connections: int
    captures: int


class Proxy:
    """Forwards between clients and one model server; see `ClientConnection` and `Splice`."""

    def __init__(self, settings: ProxySettings, cells: Cells) -> None:
        self.settings = settings
        self.counters = Counters(cells)
        self.draining = False
        limits = settings.limits
        self._pool = UpstreamPool(
            settings.upstream,
            self.counters,
            connect_seconds=limits.connect_seconds,
            idle_seconds=limits.upstream_idle_seconds,
        )
        self._mint = IdMint()
        self._correlation = Correlation(settings.trace_context)
        self._clients: set[Client] = set()
        self._link: RecorderLink | None = None
        self._recorder: Recorder | NoRecorder = NoRecorder()
        if settings.recorder is not None:
            budget = Budget(settings.buffer_bytes)
            self._link = RecorderLink(settings.recorder, budget, self.counters)
            self._recorder = Recorder(self._link, budget, self.counters, settings.max_body)

    def begin(self, client: ClientConnection, head: RequestHead, raw: bytes) -> Exchange | Probing:
        if head.probing:
            return Probing(client, self.settings.probes, head, self.settings.limits)
        id_ = self._mint()
        given = self._correlation.given(id_, head.ids)
        recording = self._recorder.begin(id_, given.captured(raw))
        return Exchange(client, self.settings, self._pool, head, recording, given)

    def begin_call(self, head: bytes, ids: Ids) -> Stream:
        """The same for a call that passes over HTTP/2."""
        id_ = self._mint()
        given = self._correlation.given(id_, ids)
        return Stream(self._recorder.begin(id_, given.captured(head)), given)

    def entered(self, client: Client) -> None:
        self._clients.add(client)
        self.counters.client_connected(1)

    def left(self, client: Client) -> None:
        self._clients.discard(client)
        self.counters.client_connected(-1)

    async def serve(self, listeners: Sequence[socket.socket], stop: asyncio.Event) -> Leftover:
        """Serve until `stop`, then end what is in flight."""
        loop = asyncio.get_running_loop()
        self.counters.begin()
        servers = [
            await loop.create_server(lambda: ClientConnection(self), sock=each, backlog=_BACKLOG)
            for each in listeners
        ]
        work = [self._sweep()]
        if self._link is not None:
            work += [self._link.run(), self._link.report()]
        tasks = [loop.create_task(each) for each in work]
        await stop.wait()
        deadline = loop.time() + self.settings.limits.grace_seconds
        await self._see_out(loop.time() + self.settings.limits.grace_seconds * _LAST_CALL)
        for server in servers:
            server.close()
        cut, left = await self._drain(deadline), 0
        if self._link is not None:
            left = await self._link.drain(max(_FLUSH_SECONDS, deadline - loop.time()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in servers:
            await server.wait_closed()
        return Leftover(cut, left)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = loop.time()
            for client in tuple(self._clients):
                client.check(now)
            self._pool.expire(now)

    async def _see_out(self, last_call: float) -> None:
        """Serve on, each answer the last of its connection, until nobody comes any more.

        Who has connected must not be left in the kernel's queue, where closing would reset him.
        """
        self.draining = True
        loop = asyncio.get_running_loop()
        seen = loop.time()
        quiet = self.settings.limits.quiet_seconds
        while (now := loop.time()) < last_call and now - seen < quiet:
            for client in tuple(self._clients):
                client.leave(now - _IDLE_SECONDS)
            if self._clients:
                seen = now
            await asyncio.sleep(_STEP_SECONDS)

    async def _drain(self, deadline: float) -> int:
        loop = asyncio.get_running_loop()
        while self._clients and loop.time() < deadline:
            for client in tuple(self._clients):
                client.leave(loop.time())
            await asyncio.sleep(_STEP_SECONDS)
        cut = len(self._clients)
        for client in tuple(self._clients):
            client.abort()
        for _ in range(_CUT_STEPS):
            if not self._clients:
                break
            await asyncio.sleep(_STEP_SECONDS)
        self._pool.close()
        return cut
