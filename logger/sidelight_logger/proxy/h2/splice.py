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
    STREAM,
    Violation,
    goaway,
)
from sidelight_logger.proxy.h2.reader import FrameReader
from sidelight_logger.proxy.h2.streams import Answers, Requests, Streams
from sidelight_logger.proxy.refusal import Refusal
from sidelight_logger.proxy.sockets import keep_probing
from sidelight_logger.proxy.upstream import dial

if TYPE_CHECKING:
    from sidelight_logger.proxy.service import Proxy


class Half(asyncio.Protocol):
    """One of the two connections."""

    def __init__(self, splice: Splice, reader: FrameReader) -> None:
        self.reader = reader
        self.transport: asyncio.Transport | None = None
        self.blocked = False
        """The peer does not take what it is sent as fast as it comes."""
        self._splice = splice

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def hold(self, held: bool) -> None:
        """Stop or resume reading."""
        if self.transport is None or self.transport.is_closing():
            return
        if held:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def shut(self) -> None:
        """Send no more."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write_eof()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._splice.received(self, data)

    def eof_received(self) -> bool:
        self._splice.shut(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._splice.lost(self)

    def pause_writing(self) -> None:
        self.blocked = True
        self._splice.held_up(self)

    def resume_writing(self) -> None:
        self.blocked = False
        self._splice.held_up(self)


class Splice:
    """Passes frames on in both directions; how it ends, whoever ends it."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._limits = proxy.settings.limits
        self._clock = asyncio.get_running_loop().time
        limits = self._limits
        self._streams = Streams(proxy.begin_call, limits.streams, self._clock)
        asked, answered = Blocks(limits.head_bytes), Blocks(limits.head_bytes)
        requests = Requests(self._streams, asked, answered)
        tells_id = proxy.settings.return_request_id
        answers = Answers(self._streams, answered, asked, tells_id=tells_id)
        self._client = Half(self, FrameReader(requests, limits.head_bytes))
        self._server = Half(self, FrameReader(answers, limits.head_bytes))
        self._connecting: asyncio.Task[None] | None = None
        self._early = [PREFACE]
        """What the client sent before there was a connection to the model server."""
        self._client_is_done = False
        self._deadline = math.inf
        """The client has been told that this is the end, and may take so long to go."""
        self._told_to_leave = False
        self._quiet_since = self._clock()
        self._newest = 0
        self._unsent = 0
        self._progress_at = 0.0

    def take_over(self, transport: asyncio.Transport, data: bytes) -> None:
        """Go on with a client's connection; `data` is what came behind its preface."""
        self._client.connection_made(transport)
        transport.set_protocol(self._client)
        self._proxy.entered(self)
        self._client.hold(True)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())
        self.received(self._client, data)

    def received(self, half: Half, data: bytes) -> None:
        if self._ending:
            return
        try:
            wire = half.reader.feed(data)
        except Violation as violation:
            self._break_off(half, violation)
            return
        if self._connecting is not None:
            self._early.append(wire)
        elif wire:
            self._other(half).write(wire)

    def shut(self, half: Half) -> None:
        """It sends no more, and may still want to read."""
        if half is self._client:
            self._client_is_done = True
        if self._connecting is None:
            self._other(half).shut()

    def lost(self, half: Half) -> None:
        if half is self._server:
            self._proxy.counters.upstream_connected(-1)
            self._end_calls()
            if self._client.transport is not None and not self._ending:
                self._deadline = self._clock() + self._limits.stall_seconds
                self._client.transport.close()
            return
        self._client_is_done = True
        self._end_calls()
        if self._connecting is not None:
            self._connecting.cancel()
        self._server.abort()
        self._proxy.left(self)

    def held_up(self, half: Half) -> None:
        """`half.blocked` has changed."""
        self._other(half).hold(half.blocked)
        if half is self._client:
            self._progress_at = self._clock()

    def check(self, now: float) -> None:
        """Cut a client that takes nothing of its answers; called about twice a second."""
        if now >= self._deadline:
            self.abort()
        elif self._client.blocked and self._client.transport is not None:
            unsent = self._client.transport.get_write_buffer_size()
            if unsent != self._unsent:
                self._unsent, self._progress_at = unsent, now
            elif now - self._progress_at >= self._limits.stall_seconds:
                self.abort()

    def leave(self, idle_since: float) -> None:
        """Take no further calls, and close if none has been under way since then."""
        if self._ending:
            return
        if self._streams.open or self._streams.last != self._newest:
            self._newest = self._streams.last
            self._quiet_since = self._clock()
        if self._quiet_since <= idle_since:
            self._end(goaway(self._streams.last, NO_ERROR))
        elif self._streams.last and not self._told_to_leave:
            # No stream is refused yet: what is on its way is still served.
            self._told_to_leave = True
            self._client.write(self._server.reader.interject(goaway(STREAM, NO_ERROR)))

    def abort(self) -> None:
        """Close now, whatever is under way."""
        self._client.abort()

    @property
    def _ending(self) -> bool:
        return self._deadline < math.inf

    def _other(self, half: Half) -> Half:
        return self._server if half is self._client else self._client

    async def _connect(self) -> None:
        upstream = self._proxy.settings.grpc_upstream or self._proxy.settings.upstream
        try:
            await dial(upstream, lambda: self._server, self._limits.connect_seconds)
        except Refusal as refusal:
            self._connecting = None
            self._proxy.counters.answered_by_proxy(refusal.status)
            self._end(goaway(0, INTERNAL_ERROR, refusal.reason))
            return
        self._connecting = None
        self._proxy.counters.upstream_connected(1)
        if self._server.transport is not None:
            keep_probing(self._server.transport)
        self._server.write(b"".join(self._early))
        self._early.clear()
        if self._client_is_done:
            self._server.shut()
        self._client.hold(self._server.blocked)

    def _break_off(self, half: Half, violation: Violation) -> None:
        """What one side sends cannot be passed on."""
        if half is self._client:
            self._proxy.counters.answered_by_proxy(_REFUSED)
            self._client_is_done = True
            self._end(goaway(self._streams.last, violation.code, violation.reason))
        else:
            self._proxy.counters.answered_by_proxy(_BAD_ANSWER)
            reason = f"the model server's answer cannot be read: {violation.reason}"
            self._end(goaway(self._streams.last, INTERNAL_ERROR, reason))

    def _end(self, last_words: bytes) -> None:
        """Close once the client has: closing while it still sends would cost it the reason."""
        self._deadline = self._clock() + self._limits.linger_seconds
        self._end_calls()
        self._server.abort()
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._server.reader.between_frames:
            self._client.write(last_words)
        self._client.shut()
        self._client.hold(False)

    def _end_calls(self) -> None:
        self._streams.end_all("abandoned" if self._client_is_done else "unanswered")


_REFUSED, _BAD_ANSWER = 400, 502
