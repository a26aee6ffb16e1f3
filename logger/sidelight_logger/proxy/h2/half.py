"""One of the two connections of a splice, as asyncio sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sidelight_logger.proxy.h2.reader import FrameReader
from sidelight_logger.proxy.sockets import keep_probing

if TYPE_CHECKING:
    from sidelight_logger.proxy.h2.splice import Splice


class Half(asyncio.Protocol):
    """Tells the splice what happens; takes what it has to send as long as that can be sent."""

    def __init__(self, splice: Splice, reader: FrameReader) -> None:
        self.reader = reader
        """Of what the peer sends."""
        self.blocked = False
        """The peer does not take what it is sent as fast as it comes."""
        self._splice = splice
        self._transport: asyncio.Transport | None = None
        self._shut = False
        self._unsent = 0
        self._progress_at = 0.0

    def write(self, data: bytes) -> None:
        if data and not self._shut and self._transport is not None:
            self._transport.write(data)

    def hold(self, held: bool) -> None:
        """Stop or resume reading."""
        if self._transport is None or self._transport.is_closing():
            return
        if held:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def shut(self) -> None:
        """Send what is left, and no more."""
        if not self._shut and self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()
        self._shut = True

    def close(self) -> None:
        """Send what is left, and close."""
        self._shut = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        self._shut = True
        if self._transport is not None:
            self._transport.abort()

    def stalled(self, now: float, seconds: float) -> bool:
        """The peer has taken nothing for so long; asked about twice a second."""
        if not self.blocked or self._transport is None:
            return False
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self._progress_at = unsent, now
        return now - self._progress_at >= seconds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        keep_probing(transport)
        self._splice.joined(self)

    def data_received(self, data: bytes) -> None:
        self._splice.received(self, data)

    def eof_received(self) -> bool:
        self._splice.ended(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._shut = True
        self._transport = None
        self._splice.lost(self)

    def pause_writing(self) -> None:
        self.blocked = True
        self._unsent = 0
        self._splice.held_up(self)

    def resume_writing(self) -> None:
        self.blocked = False
        self._splice.held_up(self)
