"""Who hands over to the recorder: proxy and shippers, and loggers inside of model servers."""

from __future__ import annotations

import contextlib
import socket

from sidelight.errors import MalformedPayload
from sidelight_logger.recorder.guests import Guests
from sidelight_logger.wire.acknowledgements import encode_acknowledgement
from sidelight_logger.wire.frames import Decoder, Frame
from sidelight_logger.wire.sinks import SinkStats

_READ_BYTES = 1 << 20


class Peer:
    """A proxy's or a shipper's connection."""

    def __init__(self, connection: socket.socket, decoder: Decoder) -> None:
        self.connection = connection
        self.decoder = decoder
        self.received = 0
        self._acknowledged = 0

    def receive(self) -> bytes:
        """What has come; nothing when it has ended. Raises `OSError`, or `MalformedPayload`."""
        return self.connection.recv(_READ_BYTES)

    def check(self, frame: Frame) -> None:
        """Raises `MalformedPayload` for a frame that is not this peer's to send."""

    def acknowledge(self) -> None:
        """Tell how many captures are settled. One that does not get through is told next time."""
        if self.received == self._acknowledged:
            return
        with contextlib.suppress(OSError):
            self.connection.send(encode_acknowledgement(self.received))
            self._acknowledged = self.received

    def close(self) -> None:
        self.connection.close()


class Guest(Peer):
    """A connection from inside of a model server; its counters come with its first bytes."""

    def __init__(self, guests: Guests, connection: socket.socket, decoder: Decoder) -> None:
        super().__init__(connection, decoder)
        self._guests = guests
        self._number: int | None = None

    def receive(self) -> bytes:
        if self._number is not None:
            return super().receive()
        data, descriptors, _, _ = socket.recv_fds(self.connection, _READ_BYTES, 1)
        if descriptors:
            self._number = self._guests.join(descriptors[0])
        elif data:
            raise MalformedPayload("no descriptor of its counters came with the first frame")
        return data

    def check(self, frame: Frame) -> None:
        if isinstance(frame, SinkStats):
            raise MalformedPayload("counters of a sink from inside of a model server")

    def close(self) -> None:
        super().close()
        if self._number is not None:
            self._guests.leave(self._number)
            self._number = None
