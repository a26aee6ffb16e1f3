"""One connection of a client and one to the model server, joined byte for byte."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from sidelight_logger.proxy.h2.blocks import Blocks
from sidelight_logger.proxy.h2.frames import (
    INTERNAL_ERROR,
    NO_ERROR,
    PREFACE,
    SETTINGS,
    STREAM,
    Violation,
    frame,
    goaway,
)
from sidelight_logger.proxy.h2.half import Half
from sidelight_logger.proxy.h2.reader import FrameReader
from sidelight_logger.proxy.h2.streams import Answers, Requests, Streams
from sidelight_logger.proxy.refusal import Refusal, answer
from sidelight_logger.proxy.upstream import dial

if TYPE_CHECKING:
    from sidelight_logger.proxy.service import Proxy

_BAD_FRAMES, _BAD_ANSWER = 400, 502
"""What HTTP/1 would be told; counted as such."""


class Splice:
    """Passes frames on in both directions; how the connections end, whoever ends them."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._limits = limits = proxy.settings.limits
        self._clock = asyncio.get_running_loop().time
        self._streams = Streams(proxy.begin_call, limits.streams, self._clock)
        asked, answered = Blocks(limits.head_bytes), Blocks(limits.head_bytes)
        requests = Requests(self._streams, asked, answered)
        tells_id = proxy.settings.return_request_id
        answers = Answers(self._streams, answered, asked, tells_id=tells_id)
        self._client = Half(self, FrameReader(requests, limits.head_bytes))
        self._server = Half(self, FrameReader(answers, limits.head_bytes))
        self._connecting: asyncio.Task[None] | None = None
        self._early: list[bytes] | None = [PREFACE]
        """What the client sent before there was a connection to the model server."""
        self._client_left = False
        self._deadline = math.inf
        """The end is decided, and the client may take so long to go."""
        self._told_to_leave = False
        self._newest = 0
        self._quiet_since = self._clock()

    @property
    def _ending(self) -> bool:
        return self._deadline < math.inf

    def take_over(self, transport: asyncio.Transport, data: bytes) -> None:
        """Go on with a client's connection; `data` is what came behind its preface."""
        transport.set_protocol(self._client)
        self._proxy.entered(self)
        self._client.connection_made(transport)
        self._client.hold(True)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())
        self.received(self._client, data)

    def joined(self, half: Half) -> None:
        """There is a connection: the client's is first."""
        if half is self._client or self._early is None:
            return
        self._proxy.counters.upstream_connected(1)
        early, self._early = self._early, None
        if self._ending or self._client_left:
            half.abort()
            return
        half.write(b"".join(early))
        self._client.hold(half.blocked)

    def received(self, half: Half, data: bytes) -> None:
        if self._ending:
            return
        try:
            wire = half.reader.feed(data)
        except Violation as violation:
            self._break_off(half, violation)
            return
        if half is self._server:
            self._client.write(wire)
        elif self._early is None:
            self._server.write(wire)
        else:
            self._early.append(wire)

    def ended(self, half: Half) -> None:
        """It sends no more. A client may still want its answers; a model server is gone."""
        if half is self._server:
            self._server_gone()
        elif self._ending:
            self._client.close()
        else:
            self._client_left = True
            self._server.shut()

    def lost(self, half: Half) -> None:
        """A connection is no more."""
        if half is self._server:
            self._proxy.counters.upstream_connected(-1)
            self._server_gone()
            return
        self._client_left = True
        self._end_calls()
        self._part()
        self._proxy.left(self)

    def held_up(self, half: Half) -> None:
        """`half.blocked` has changed."""
        self._other(half).hold(half.blocked)

    def check(self, now: float) -> None:
        """Cut a client that takes nothing of its answers; called about twice a second."""
        if now >= self._deadline or self._client.stalled(now, self._limits.stall_seconds):
            self.abort()

    def leave(self, idle_since: float) -> None:
        """The proxy is about to end: tell the client, and close if no call has been under way."""
        if self._ending:
            return
        if self._streams.open or self._streams.last != self._newest:
            self._newest = self._streams.last
            self._quiet_since = self._clock()
            self._tell_to_leave()
        elif self._quiet_since <= idle_since:
            self._end(self._farewell(NO_ERROR))

    def abort(self) -> None:
        """Close now, whatever is under way."""
        self._client.abort()

    async def _connect(self) -> None:
        upstream = self._proxy.settings.grpc_upstream or self._proxy.settings.upstream
        try:
            await dial(upstream, lambda: self._server, self._limits.connect_seconds)
        except Refusal as refusal:
            self._proxy.counters.answered_by_proxy(refusal.status)
            # Words of HTTP/2 would tell gRPC that it has connected: it would come again at once.
            self._end(answer(refusal))

    def _tell_to_leave(self) -> None:
        """Under a number that refuses no call: those that are on their way are still served."""
        if not self._told_to_leave:
            self._told_to_leave = True
            self._client.write(self._server.reader.interject(goaway(STREAM, NO_ERROR)))

    def _other(self, half: Half) -> Half:
        return self._server if half is self._client else self._client

    def _break_off(self, half: Half, violation: Violation) -> None:
        """What one side sends cannot be passed on."""
        code, reason, status = violation.code, violation.reason, _BAD_FRAMES
        if half is self._server:
            code, status = INTERNAL_ERROR, _BAD_ANSWER
            reason = f"the model server's answer cannot be read: {reason}"
        else:
            self._client_left = True
        self._proxy.counters.answered_by_proxy(status)
        self._end(self._farewell(code, reason))

    def _farewell(self, code: int, reason: str = "") -> bytes:
        """Settings come first on any connection; where the model server has sent none, ours do."""
        settings = b"" if self._server.reader.begun else frame(SETTINGS, 0, 0, b"")
        return settings + goaway(self._streams.last, code, reason)

    def _end(self, last_words: bytes) -> None:
        """Close once the client has: closing while it still sends would cost it the reason."""
        self._deadline = self._clock() + self._limits.linger_seconds
        self._end_calls()
        self._part()
        if self._server.reader.between_frames:
            self._client.write(last_words)
        self._client.shut()
        self._client.hold(False)

    def _server_gone(self) -> None:
        if self._ending:
            return
        self._deadline = self._clock() + self._limits.stall_seconds
        self._end_calls()
        self._server.abort()
        self._client.close()

    def _part(self) -> None:
        """From the model server, also if it has yet to answer the call for a connection."""
        self._server.abort()
        if self._connecting is not None:
            self._connecting.cancel()

    def _end_calls(self) -> None:
        self._streams.end_all("abandoned" if self._client_left else "unanswered")
