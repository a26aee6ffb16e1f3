"""The proxy as a whole: its clients, its upstream, its recorder, and how it ends."""

from __future__ import annotations

import asyncio
import socket

from sidelight.events.ids import IdMint, id_text
from sidelight_logger.proxy.client import ClientConnection
from sidelight_logger.proxy.counters import Counters
from sidelight_logger.proxy.exchange import Exchange
from sidelight_logger.proxy.head import RequestHead
from sidelight_logger.proxy.link import Budget, RecorderLink
from sidelight_logger.proxy.recording import NoRecorder, Recorder
from sidelight_logger.proxy.settings import ProxySettings
from sidelight_logger.proxy.upstream import UpstreamPool
from sidelight_logger.tally import Cells

_SWEEP_SECONDS = 0.5
_BACKLOG = 1024
_FLUSH_SECONDS = 2.0
"""How long the recorder may take at the end, besides the grace for exchanges."""


class Proxy:
    """Forwards between clients and one upstream; see `ClientConnection` and `Exchange`."""

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
        self._clients: set[ClientConnection] = set()
        self._link: RecorderLink | None = None
        self._recorder: Recorder | NoRecorder = NoRecorder()
        if settings.recorder is not None:
            budget = Budget(settings.buffer_bytes)
            self._link = RecorderLink(settings.recorder, budget, self.counters)
            self._recorder = Recorder(self._link, budget, self.counters, settings.max_body)

    def begin(self, client: ClientConnection, head: RequestHead, raw: bytes) -> Exchange:
        id_ = self._mint()
        request_id = b"" if head.identified else id_text(id_).encode()
        recording = self._recorder.begin(id_, raw)
        return Exchange(client, self.settings, self._pool, head, recording, request_id)

    def entered(self, client: ClientConnection) -> None:
        self._clients.add(client)
        self.counters.client_connected(1)

    def left(self, client: ClientConnection) -> None:
        self._clients.discard(client)
        self.counters.client_connected(-1)

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> int:
        """Serve until `stop`, then end what is in flight: how many exchanges had to be cut."""
        loop = asyncio.get_running_loop()
        self.counters.begin()
        server = await loop.create_server(
            lambda: ClientConnection(self), sock=listener, backlog=_BACKLOG
        )
        work = [self._sweep()]
        if self._link is not None:
            work += [self._link.run(), self._link.report()]
        tasks = [loop.create_task(each) for each in work]
        await stop.wait()
        server.close()
        cut = await self._drain()
        if self._link is not None:
            await self._link.drain(_FLUSH_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
        return cut

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = loop.time()
            for client in tuple(self._clients):
                client.check(now)
            self._pool.expire(now)

    async def _drain(self) -> int:
        self.draining = True
        for client in tuple(self._clients):
            client.leave()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.settings.limits.grace_seconds
        while self._clients and loop.time() < deadline:
            await asyncio.sleep(0.01)
        cut = len(self._clients)
        for client in tuple(self._clients):
            client.abort()
        self._pool.close()
        return cut
