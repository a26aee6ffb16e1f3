"""Listens on the unix socket: takes frames from every peer, acknowledges what is settled."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from sidelight.errors import MalformedPayload
from sidelight_logger.recorder.batch import Batch
from sidelight_logger.recorder.guests import Guests
from sidelight_logger.recorder.peers import Guest, Peer
from sidelight_logger.wire.captures import Capture
from sidelight_logger.wire.frames import Decoder, Frame, Outsized

_LONGEST_WAIT_SECONDS = 0.25
"""How late a stop is noticed at most."""

_MOST_GUESTS = 64
"""Connected at once: each may hold one frame in memory, and a file."""
_TELL_AGAIN_SECONDS = 10.0

_Kind = Callable[[socket.socket, Decoder], Peer]


class Taker(Protocol):
    """Given every frame in the order in which it was sent; raises only what ends the process."""

    def take(self, frame: Frame) -> None: ...


@dataclass(frozen=True)
class Door:
    """Where loggers inside of model servers come in."""

    listener: socket.socket
    guests: Guests


class Server:
    """One thread, no queue: while it appends it does not read, and the socket holds back the proxy.

    Memory is bounded by the batch and one frame a peer.
    """

    def __init__(
        self,
        listener: socket.socket,
        taker: Taker,
        batch: Batch,
        max_frame_bytes: int,
        on_peers: Callable[[int], None] = lambda peers: None,
        door: Door | None = None,
    ) -> None:
        self._listener = listener
        self._taker = taker
        self._batch = batch
        self._max_frame_bytes = max_frame_bytes
        self._on_peers = on_peers
        self._door = door
        self._peers: set[Peer] = set()
        self._selector = selectors.DefaultSelector()
        self._silent_until = 0.0

    def run(self, stopping: Callable[[], bool], grace_seconds: float) -> None:
        """Serve until `stopping`, then take what has been sent, append it, and close."""
        self._listen(self._listener, Peer)
        if self._door is not None:
            self._listen(self._door.listener, partial(Guest, self._door.guests))
        try:
            while not stopping():
                self._turn(self._wait_seconds())
            deadline = time.monotonic() + grace_seconds
            while time.monotonic() < deadline and self._turn(0.0):
                continue
            self._settle()
        finally:
            for peer in list(self._peers):
                self._close(peer)
            self._selector.close()

    def _wait_seconds(self) -> float:
        left = self._batch.seconds_left()
        return _LONGEST_WAIT_SECONDS if left is None else min(left, _LONGEST_WAIT_SECONDS)

    def _turn(self, wait_seconds: float) -> bool:
        """Handle what has come; False when nothing had."""
        ready = self._selector.select(wait_seconds)
        for key, _ in ready:
            key.data()
        if self._batch.seconds_left() in (None, 0.0):
            self._settle()
        return bool(ready)

    def _listen(self, listener: socket.socket, kind: _Kind) -> None:
        listener.setblocking(False)
        accept = partial(self._accept, listener, kind)
        self._selector.register(listener, selectors.EVENT_READ, accept)

    def _accept(self, listener: socket.socket, kind: _Kind) -> None:
        with contextlib.suppress(OSError):  # who came may be gone, or files are out for a moment
            connection, _ = listener.accept()
            connection.setblocking(False)
            peer = kind(connection, Decoder(self._max_frame_bytes))
            if isinstance(peer, Guest) and self._guests() >= _MOST_GUESTS:
                connection.close()
                self._tell("peer turned away", f"{_MOST_GUESTS} model servers are connected")
                return
            self._peers.add(peer)
            self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(peer))
            self._tell_peers()

    def _read(self, peer: Peer) -> None:
        try:
            data = peer.receive()
            for frame in peer.decoder.feed(data):
                peer.check(frame)
                self._taker.take(frame)
                peer.received += isinstance(frame, Capture | Outsized)
                if self._batch.is_full:
                    self._settle()
        except BlockingIOError:
            return
        except MalformedPayload as exc:
            self._tell("peer closed", str(exc))
            data = b""
        except OSError:
            data = b""
        if not data:
            self._close(peer)

    def _settle(self) -> None:
        """Append the batch; all that was received is then recorded, left out or counted."""
        self._batch.append()
        for peer in self._peers:
            peer.acknowledge()

    def _close(self, peer: Peer) -> None:
        self._selector.unregister(peer.connection)
        self._peers.discard(peer)
        peer.close()
        self._tell_peers()

    def _guests(self) -> int:
        return sum(isinstance(peer, Guest) for peer in self._peers)

    def _tell(self, what: str, cause: str) -> None:
        """Not each time: who was closed comes again a tenth of a second later."""
        if time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + _TELL_AGAIN_SECONDS
            structlog.get_logger("sidelight.recorder").error(what, cause=cause)

    def _tell_peers(self) -> None:
        self._on_peers(len(self._peers))
