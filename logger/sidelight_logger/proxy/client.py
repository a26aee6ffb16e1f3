"""Connections from clients: one request after the other, and an end to each that cannot mislead."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from sidelight_logger.correlation import NO_IDS
from sidelight_logger.proxy.exchange import Exchange
from sidelight_logger.proxy.fields import find_head
from sidelight_logger.proxy.h2.frames import PREFACE
from sidelight_logger.proxy.h2.splice import Splice
from sidelight_logger.proxy.head import field_lines, parse_request
from sidelight_logger.proxy.probing import Probing
from sidelight_logger.proxy.refusal import Refusal, answer
from sidelight_logger.proxy.sockets import keep_probing, reset

if TYPE_CHECKING:
    from sidelight_logger.proxy.service import Proxy

_PIPELINE_BYTES = 64 << 10
"""Read ahead of the running exchange at most this much, then stop reading."""


class ClientConnection(asyncio.Protocol):
    """Cuts what a client sends into requests, and runs one exchange at a time."""

    def __init__(self, proxy: Proxy) -> None:
        self.blocked = False
        """The client does not take its answer as fast as it comes."""
        self._proxy = proxy
        self._limits = proxy.settings.limits
        self._clock = asyncio.get_running_loop().time
        self._transport: asyncio.Transport
        self._exchange: Exchange | Probing | None = None
        self._pending = b""
        self._searched = 0
        self._head_since = 0.0
        self._deadline = math.inf
        self._unsent = 0
        self._progress_at = 0.0
        self._half_closed = False
        self._lingering = False
        self._bodiless = False
        self._fresh = True
        """Nothing has been asked yet: it may still be HTTP/2."""

    @property
    def leaving(self) -> bool:
        """No further request is taken."""
        return self._proxy.draining

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        keep_probing(transport)
        self._proxy.entered(self)
        self._settle()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        exchange = self._exchange
        if exchange is not None and exchange.wants_body:
            try:
                self._pending = exchange.request_received(data)
            except Refusal as refusal:
                self._break_off(refusal)
        else:
            self._pending = self._pending + data if self._pending else data
            if exchange is None:
                self._next()
        self._settle()

    def eof_received(self) -> bool:
        """A client that only shuts its sending side still gets the answers it has asked for."""
        self._half_closed = True
        if self._exchange is not None and self._exchange.wants_body:
            self._exchange.abandon()
            self._exchange = None
        return self._exchange is not None

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.left(self)
        if self._exchange is not None:
            self._exchange.abandon()
            self._exchange = None

    def pause_writing(self) -> None:
        self.blocked = True
        self._unsent = 0
        if self._exchange is not None:
            self._exchange.block_answer(True)

    def resume_writing(self) -> None:
        self.blocked = False
        if self._exchange is not None:
            self._exchange.block_answer(False)
        self._settle()

    def write(self, data: bytes) -> None:
        """Bytes of the answer."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def request_blocked(self) -> None:
        """`Exchange.blocks_request` has changed."""
        self._settle()

    def answered(self, *, persistent: bool) -> None:
        """The answer is complete."""
        owes_body = self._exchange is not None and self._exchange.wants_body
        self._exchange = None
        if owes_body:
            self._linger()
        elif not persistent or self.leaving:
            self._close()
        else:
            self._go_on()
        self._settle()

    def refuse(self, refusal: Refusal) -> None:
        """There is no answer but the proxy's own, and the connection ends with it."""
        returned = NO_IDS if self._exchange is None else self._exchange.returned
        self._exchange = None
        self._proxy.counters.answered_by_proxy(refusal.status)
        self.write(answer(refusal, field_lines(returned, NO_IDS), bodiless=self._bodiless))
        self._linger()

    def cut(self, *, delimited: bool) -> None:
        """The answer breaks off; a client that reads until the end must not see a clean one."""
        self._exchange = None
        if delimited:
            self._close()
        else:
            self._lingering = True
            reset(self._transport)

    def leave(self, idle_since: float) -> None:
        """Close if nothing has been under way since then."""
        idle = self._exchange is None and not self._pending and not self._lingering
        if idle and self._deadline - self._limits.idle_seconds <= idle_since:
            self._close()

    def abort(self) -> None:
        """Close now, whatever is under way."""
        self._transport.abort()

    def check(self, now: float) -> None:
        """Close the connection when its client is too slow; called about twice a second."""
        if self.blocked:
            self._check_progress(now)
        elif now < self._deadline:
            return
        elif self._lingering:
            self._transport.abort()
        elif self._exchange is not None:
            waited = f"{self._limits.stall_seconds:g} s"
            self._break_off(Refusal(f"nothing came of the request's body for {waited}", 408))
        elif self._pending:
            waited = f"{self._limits.head_seconds:g} s"
            self.refuse(Refusal(f"the request's head was not complete after {waited}", 408))
        else:
            self._close()

    def _go_on(self) -> None:
        """Turn to the next request, read already or still to come."""
        if self._pending:
            self._next()
        if self._half_closed and (self._exchange is None or self._exchange.wants_body):
            self._close()

    def _next(self) -> None:
        """Begin the next exchange if its head is there."""
        if self._fresh and PREFACE.startswith(self._pending[: len(PREFACE)]):
            if len(self._pending) >= len(PREFACE):
                self._hand_over()
            return
        if not self._searched and self._pending[:2] == b"\r\n":
            self._pending = self._pending[2:]
        try:
            end = find_head(self._pending, self._searched, self._limits.head_bytes)
            if end:
                self._begin(self._pending[:end], self._pending[end:])
            else:
                self._searched = len(self._pending)
        except Refusal as refusal:
            self._break_off(refusal)

    def _hand_over(self) -> None:
        """The connection is one of HTTP/2."""
        data, self._pending = self._pending[len(PREFACE) :], b""
        self._lingering = True
        self._proxy.left(self)
        Splice(self._proxy).take_over(self._transport, data)

    def _begin(self, raw: bytes, rest: bytes) -> None:
        self._fresh = False
        self._searched = 0
        self._head_since = 0.0
        self._pending = b""
        self._bodiless = False
        head = parse_request(raw, self._limits.head_fields)
        self._bodiless = head.method == b"HEAD"
        self._exchange = self._proxy.begin(self, head, raw)
        self._pending = self._exchange.start(rest)

    def _break_off(self, refusal: Refusal) -> None:
        """The request cannot be read on."""
        exchange = self._exchange
        if exchange is not None:
            exchange.abandon()
        if exchange is not None and exchange.answering:
            self.cut(delimited=False)
        else:
            self.refuse(refusal)

    def _close(self) -> None:
        """Close once the client has taken what was written, and in the end without that."""
        self._lingering = True
        self._deadline = self._clock() + self._limits.stall_seconds
        self._transport.close()

    def _linger(self) -> None:
        """Close once the client has: closing while it still sends would cost it the answer."""
        self._lingering = True
        self._pending = b""
        if self._half_closed or self._transport.is_closing():
            self._close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self._deadline = self._clock() + self._limits.linger_seconds

    def _settle(self) -> None:
        """Read or pause, and until when to wait for the client: once after whatever happened."""
        if self._lingering or self._transport.is_closing():
            return
        exchange = self._exchange
        now = self._clock()
        pause = False
        if exchange is None and self._pending:
            self._head_since = self._head_since or now
            self._deadline = self._head_since + self._limits.head_seconds
        elif exchange is None:
            self._deadline = now + self._limits.idle_seconds
        elif exchange.wants_body:
            pause = exchange.blocks_request
            self._deadline = math.inf if pause else now + self._limits.stall_seconds
        else:
            pause = len(self._pending) > _PIPELINE_BYTES
            self._deadline = math.inf
        if pause == self._transport.is_reading() and not self._half_closed:
            self._toggle_reading(pause)

    def _toggle_reading(self, pause: bool) -> None:
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _check_progress(self, now: float) -> None:
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent = unsent
            self._progress_at = now
        elif now - self._progress_at >= self._limits.stall_seconds:
            self._transport.abort()
