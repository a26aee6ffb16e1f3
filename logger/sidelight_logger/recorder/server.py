"""Listens on the unix socket: takes frames from every peer, acknowledges what is settled."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from sidelight.errors import MalformedPayload
from sidelight_logger.frames import Capture, Decoder, Frame, encode_acknowledgement
from sidelight_logger.recorder.batch import Batch

_READ_BYTES = 1 << 20
_LONGEST_WAIT_SECONDS = 0.25
"""How late a stop is noticed at most."""


class Taker(Protocol):
    """Given every frame in the order in which it was sent; raises only what ends the process."""

    def take(self, frame: Frame) -> None: ...


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
    ) -> None:
        self._listener = listener
        self._taker = taker
        self._batch = batch
        self._max_frame_bytes = max_frame_bytes
        self._on_peers = on_peers
        self._peers: set[_Peer] = set()
        self._selector = selectors.DefaultSelector()

    def run(self, stopping: Callable[[], bool], grace_seconds: float) -> None:
        """Serve until `stopping`, then take what has been sent, append it, and close."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
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

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            peer = _Peer(connection, Decoder(self._max_frame_bytes))
            self._peers.add(peer)
            self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(peer))
            self._tell_peers()

    def _read(self, peer: _Peer) -> None:
        try:
            data = peer.connection.recv(_READ_BYTES)
            for frame in peer.decoder.feed(data):
                self._taker.take(frame)
                peer.received += isinstance(frame, Capture)
                if self._batch.is_full:
                    self._settle()
        except BlockingIOError:
            return
        except MalformedPayload as exc:
            structlog.get_logger("sidelight.recorder").error("peer closed", cause=str(exc))
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

    def _close(self, peer: _Peer) -> None:
        self._selector.unregister(peer.connection)
        self._peers.discard(peer)
        peer.connection.close()
        self._tell_peers()

    def _tell_peers(self) -> None:
        self._on_peers(len(self._peers))


class _Peer:
    """A proxy's or a shipper's connection."""

    def __init__(self, connection: socket.socket, decoder: Decoder) -> None:
        self.connection = connection
        self.decoder = decoder
        self.received = 0
        self._acknowledged = 0

    def acknowledge(self) -> None:
        """Tell how many captures are settled. One that does not get through is told next time."""
        if self.received == self._acknowledged:
            return
        with contextlib.suppress(OSError):
            self.connection.send(encode_acknowledgement(self.received))
            self._acknowledged = self.received
