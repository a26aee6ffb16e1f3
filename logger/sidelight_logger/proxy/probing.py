"""Kubelet's question to KServe's agent, answered by the proxy and handed to nobody."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sidelight_logger.correlation import NO_IDS
from sidelight_logger.proxy.body import request_body
from sidelight_logger.proxy.head import RequestHead
from sidelight_logger.proxy.readiness import Probe, is_ready
from sidelight_logger.proxy.refusal import Refusal, answer
from sidelight_logger.proxy.settings import Limits

if TYPE_CHECKING:
    from sidelight_logger.proxy.client import ClientConnection

_READY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
)


class Probing:
    """Stands where an `Exchange` would: 200 when the model server is ready, else 503."""

    returned = NO_IDS
    answering = False
    blocks_request = False

    def __init__(
        self,
        client: ClientConnection,
        probes: tuple[Probe, ...],
        head: RequestHead,
        limits: Limits,
    ) -> None:
        self._client = client
        self._probes = probes
        self._head = head
        self._body = request_body(head, limits)
        self._asking: asyncio.Task[None] | None = None

    @property
    def wants_body(self) -> bool:
        return not self._body.complete

    def start(self, data: bytes) -> bytes:
        rest = self.request_received(data)
        self._asking = asyncio.get_running_loop().create_task(self._answer())
        return rest

    def request_received(self, data: bytes) -> bytes:
        return self._body.feed(data)[1]

    def abandon(self) -> None:
        if self._asking is not None:
            self._asking.cancel()

    def block_answer(self, blocked: bool) -> None:
        """The answer fits into any buffer."""

    async def _answer(self) -> None:
        bodiless = self._head.method == b"HEAD"
        if self._client.leaving:
            told = answer(Refusal("shutting down", 503), bodiless=bodiless)
        elif not await is_ready(self._probes):
            told = answer(Refusal("the model server is not ready", 503), bodiless=bodiless)
        else:
            told = _READY if bodiless else _READY + b"queue"
        self._client.write(told)
        self._client.answered(persistent=False)
