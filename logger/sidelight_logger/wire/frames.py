"""The wire to the recorder: length-prefixed frames over a unix stream socket.

    frame     u32 length of what follows, u8 kind, the fields
    capture   one exchange as it crossed the wire (kind 1)
    sink      the cumulative counters of a shipper, about once a second (kind 2)
    hello     a logger inside of a model server; its counters' memory comes along (kind 3)

All numbers are little endian. The recorder answers with acknowledgements: u64, how many captures
of this connection it has settled so far (appended, left out by policy, or dropped and counted).
What is not acknowledged when the connection breaks, the proxy counts as dropped.

A hello is the first frame of its connection, and a descriptor of the sender's `tally` travels with
it (``SCM_RIGHTS``): so the recorder reads what was counted also after a ``kill -9``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight_logger.wire import captures
from sidelight_logger.wire.captures import Capture
from sidelight_logger.wire.kinds import CAPTURE, HELLO, LENGTH, SINK
from sidelight_logger.wire.sinks import SinkStats, decode_stats

MAX_FRAME_BYTES = 2 << 30
"""Two bodies of the largest `logger.max_body` (below 1 GiB) and their heads."""


@dataclass(frozen=True, slots=True)
class Outsized:
    """A capture longer than allowed: passed over, nothing of it was kept in memory."""

    size: int


@dataclass(frozen=True, slots=True)
class Hello:
    """Somebody's in-process logger begins to hand over."""


Frame = Capture | SinkStats | Outsized | Hello


def encode_hello() -> bytes:
    return LENGTH.pack(1) + bytes((HELLO,))


class Decoder:
    """Cuts a byte stream into frames; memory is bounded by one frame and what was fed.

    A capture above `max_frame_bytes` is passed over. A frame that is no frame raises
    `MalformedPayload`: the stream is lost, close the connection.
    """

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._held = bytearray()
        """The beginning of a frame."""
        self._passing_over = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        if self._held:
            self._held += data
            if self._is_begun():
                return
            data, self._held = bytes(self._held), bytearray()
        start = self._pass_over(data, 0)
        try:
            while (size := self._frame_bytes(data, start)) is not None:
                if size - LENGTH.size > self._max_frame_bytes:
                    self._passing_over = size
                    start = self._pass_over(data, start)
                    yield Outsized(size)
                elif start + size <= len(data):
                    start += size
                    yield _decode(data, start - size, size)
                else:
                    return
        finally:
            self._held += data[start:]

    def _is_begun(self) -> bool:
        """Whether what is held must grow: to copy it with every piece would take too long."""
        size = self._frame_bytes(self._held, 0)
        return size is None or len(self._held) < size <= self._max_frame_bytes + LENGTH.size

    def _pass_over(self, data: bytes, start: int) -> int:
        """Where in the data what is passed over ends."""
        passed = min(self._passing_over, len(data) - start)
        self._passing_over -= passed
        return start + passed

    def _frame_bytes(self, data: bytes | bytearray, start: int) -> int | None:
        """Of the frame that begins there, its length field too; None until its kind is known."""
        if len(data) - start <= LENGTH.size:
            return None
        length: int = LENGTH.unpack_from(data, start)[0]
        is_capture = data[start + LENGTH.size] == CAPTURE
        if not 0 < length <= (MAX_FRAME_BYTES if is_capture else self._max_frame_bytes):
            raise LimitExceeded(f"a frame of {length} bytes; 1 to {self._max_frame_bytes} allowed")
        return LENGTH.size + length


def _decode(data: bytes, start: int, size: int) -> Frame:
    kind = data[start + LENGTH.size]
    if kind == CAPTURE:
        return captures.decode(data, start, size)
    if kind == SINK:
        return decode_stats(data[start + LENGTH.size + 1 : start + size])
    if kind == HELLO:
        return Hello()
    raise MalformedPayload(f"a frame of kind {kind}; known are {CAPTURE}, {SINK} and {HELLO}")
