"""One direction of a connection: cut into frames while it passes.

Payloads pass as they come. Held back are the head of a frame until its nine bytes are there, and
header blocks and settings until their frame is whole.
"""

from __future__ import annotations

from typing import Protocol

from sidelight_logger.proxy.h2.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    HEAD,
    HEAD_BYTES,
    HEADERS,
    PADDED,
    PUSH_PROMISE,
    SETTINGS,
    STREAM,
    SURE_FRAME_BYTES,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    Violation,
    frame,
)

_WHOLE = frozenset({HEADERS, PUSH_PROMISE, CONTINUATION, SETTINGS})
_PROMISED_BYTES = 4
_PRIORITY_BYTES = 5


class Listener(Protocol):
    """Told of what passes, in its order; may raise `Violation`, which ends the connection."""

    def block(self, kind: int, stream: int, block: bytes) -> bytes:
        """A whole header block: what is to be appended to it."""

    def data(self, stream: int, payload: bytes) -> None:
        """Bytes of a body, without padding; none for an empty frame."""

    def end(self, stream: int) -> None:
        """The sender has said all it has to say on this stream."""

    def control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """Any other frame but a window's update; the payload of SETTINGS only."""


class FrameReader:
    """What one side sends, from behind the preface on."""

    def __init__(self, listener: Listener, head_bytes: int) -> None:
        self._listener = listener
        self._head_bytes = head_bytes
        self._held = b""
        """The beginning of a frame that has not been passed on."""
        self._left = 0
        """Bytes still to come of the frame that is passing, the last `_padding` of them padding."""
        self._padding = 0
        self._stream = 0
        """Of the passing frame, if it is DATA."""
        self._ends = False
        self._block: list[bytes] = []
        """A header block that is not complete, and of which frame it began in."""
        self._opening = (0, 0, 0)
        self._block_bytes = 0
        self._interjection = b""
        self.begun = False
        """A frame was passed on: the sender's settings, before which nothing may come."""
        self._out: list[bytes] = []
        """What is passed on of the data at hand when not all of it is, as it is."""
        self._passed = 0

    @property
    def between_frames(self) -> bool:
        """What was passed on ends with a whole frame, and with no header block left open."""
        return not self._left and not self._block_bytes

    def interject(self, own: bytes) -> bytes:
        """Put a frame of ours between those of the sender: now, if it is returned, else later."""
        if self.begun and self.between_frames:
            return own
        self._interjection = own
        return b""

    def feed(self, data: bytes) -> bytes:
        """What is to be passed on."""
        if self._held:
            data, self._held = self._held + data, b""
        self._out, self._passed = [], 0
        size = len(data)
        at = self._pass(data, 0) if self._left else 0
        while size - at >= HEAD_BYTES:
            after = self._frame(data, at)
            if after == at:
                break
            at = after
            self.begun = True
        self._interject(data, at)
        if at < size:
            self._held = data[at:]
        if not self._out:
            return data if at == size else data[:at]
        self._put(data, at, b"")
        return b"".join(self._out)

    def _put(self, data: bytes, until: int, own: bytes) -> None:
        """Pass on the data as far as that, and then bytes of ours."""
        self._out += data[self._passed : until], own
        self._passed = until

    def _interject(self, data: bytes, at: int) -> None:
        if self._interjection and self.begun and self.between_frames:
            self._put(data, at, self._interjection)
            self._interjection = b""

    def _frame(self, data: bytes, at: int) -> int:
        """Read the frame that begins there: where the next one does, or `at` if more must come."""
        self._interject(data, at)
        high, low, kind, flags, stream = HEAD.unpack_from(data, at)
        start = at + HEAD_BYTES
        stop: int = start + (high << 8 | low)
        stream &= STREAM
        if kind in _WHOLE:
            if stop > len(data):
                self._refuse_long(kind, stop - start)
                return at
            if wire := self._whole(kind, flags, stream, data[start:stop]):
                self._put(data, at, wire)
                self._passed = stop
            return stop
        self._refuse_within_block(kind)
        if kind == DATA and stop <= len(data) and not flags & PADDED:
            self._listener.data(stream, data[start:stop])
            if flags & END_STREAM:
                self._listener.end(stream)
            return stop
        if kind == DATA and flags & PADDED and start == len(data):
            return at
        return self._pass(data, self._begin(kind, flags, stream, data, start, stop))

    def _begin(self, kind: int, flags: int, stream: int, data: bytes, start: int, stop: int) -> int:
        """Begin a frame that passes in pieces; where its payload starts."""
        self._stream = stream if kind == DATA else 0
        self._ends = kind == DATA and bool(flags & END_STREAM)
        self._padding = 0
        if kind == DATA and flags & PADDED:
            self._padding = data[start]
            start += 1
            if self._padding > stop - start:
                raise Violation("a frame of data that is shorter than its padding")
        self._left = stop - start
        if kind != DATA and kind != WINDOW_UPDATE:
            self._listener.control(kind, flags, stream, b"")
        return start

    def _pass(self, data: bytes, at: int) -> int:
        """Let the passing frame go on; where it ends, or the data."""
        content = at + self._left - self._padding
        stop = min(at + self._left, len(data))
        if self._stream and (content > at or not self._left):
            self._listener.data(self._stream, data[at : min(content, stop)])
        self._left -= stop - at
        if self._ends and not self._left:
            self._ends = False
            self._listener.end(self._stream)
        return stop

    def _whole(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        """Read a frame that is there: how it is to be passed on if not as it is."""
        if kind == SETTINGS:
            self._refuse_within_block(kind)
            self._listener.control(kind, flags, stream, payload)
            return b""
        if kind != CONTINUATION:
            self._refuse_within_block(kind)
            self._opening = kind, flags, stream
            fragment = _fragment(kind, flags, payload)
        elif not self._block_bytes or stream != self._opening[2]:
            raise Violation("a CONTINUATION that continues nothing")
        else:
            fragment = payload
        self._block.append(fragment)
        self._block_bytes += HEAD_BYTES + len(payload)
        self._refuse_long(kind, self._block_bytes)
        if not flags & END_HEADERS:
            return b""
        return self._end_block(kind, flags, stream, payload)

    def _end_block(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        opened_as, opening_flags, _ = self._opening
        block = b"".join(self._block)
        self._block.clear()
        self._block_bytes = 0
        extra = self._listener.block(opened_as, stream, block)
        if opened_as == HEADERS and opening_flags & END_STREAM:
            self._listener.end(stream)
        return _with(extra, kind, flags, stream, payload) if extra else b""

    def _refuse_within_block(self, kind: int) -> None:
        if self._block_bytes:
            raise Violation(f"a frame of kind {kind} within a header block")

    def _refuse_long(self, kind: int, size: int) -> None:
        if size > self._head_bytes:
            what = "settings" if kind == SETTINGS else "a head"
            limit = f"at most {self._head_bytes} are read"
            raise Violation(f"{what} of {size} bytes and more; {limit}", ENHANCE_YOUR_CALM)


def _fragment(kind: int, flags: int, payload: bytes) -> bytes:
    """The part of a header block in a frame that begins one."""
    start, stop = 0, len(payload)
    if flags & PADDED:
        start, stop = 1, stop - (payload[0] if payload else 0)
    if kind == PUSH_PROMISE:
        start += _PROMISED_BYTES
    elif flags & WITH_PRIORITY:
        start += _PRIORITY_BYTES
    if start > stop:
        raise Violation("a head that is shorter than its padding")
    return payload[start:stop]


def _with(extra: bytes, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """The last frame of a header block with more at the end of the block."""
    padded = kind != CONTINUATION and flags & PADDED
    if not padded and len(payload) + len(extra) <= SURE_FRAME_BYTES:
        return frame(kind, flags, stream, payload + extra)
    more = frame(CONTINUATION, END_HEADERS, stream, extra)
    return frame(kind, flags & ~END_HEADERS, stream, payload) + more
