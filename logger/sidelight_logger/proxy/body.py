"""Bodies as they stream: where each ends, its bytes without chunk framing, and framed anew.

Source: RFC 9112 sections 6 and 7. Chunks are decoded strictly and written as our own, so that no
extension or odd size line reaches a second parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from sidelight_logger.proxy.fields import check_trailers
from sidelight_logger.proxy.head import RequestHead, ResponseHead
from sidelight_logger.proxy.refusal import Refusal, show
from sidelight_logger.proxy.settings import Limits

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*+)?\r\n")
_SIZE_LINE_BYTES = 1024


class Body(Protocol):
    """Reads one body. `complete` once its last byte was fed."""

    complete: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take the next bytes: (payload, what comes after the body's end)."""

    def frame(self, payload: bytes) -> bytes:
        """What `feed` just gave, as it goes to the next hop."""

    def end(self) -> bool:
        """The peer closed: whether the body is whole."""


class Sized:
    """A body of a known length, which may be 0."""

    __slots__ = ("_left", "complete")

    def __init__(self, length: int) -> None:
        self._left = length
        self.complete = length == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        left = self._left - len(data)
        if left >= 0:
            self._left = left
            self.complete = left == 0
            return data, b""
        payload, rest = data[: self._left], data[self._left :]
        self._left = 0
        self.complete = True
        return payload, rest

    def frame(self, payload: bytes) -> bytes:
        return payload

    def end(self) -> bool:
        return self.complete


class UntilClosed:
    """A response body that only the end of the connection delimits."""

    __slots__ = ("complete",)

    def __init__(self) -> None:
        self.complete = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        return data, b""

    def frame(self, payload: bytes) -> bytes:
        return payload

    def end(self) -> bool:
        self.complete = True
        return True


class Chunked:
    """A chunked body with its trailers."""

    def __init__(self, limits: Limits) -> None:
        self.complete = False
        self._limits = limits
        self._held = b""
        self._left = 0
        self._step: Callable[[Chunked, bytes, int], int] = Chunked._size_line
        self._pieces: list[bytes] = []
        self._trailers = b""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if self._held:
            data = self._held + data
        at = 0
        while not self.complete and at < len(data):
            before, at = at, self._step(self, data, at)
            if at == before:
                break
        self._held = b"" if self.complete else data[at:]
        payload = b"".join(self._pieces)
        self._pieces.clear()
        return payload, data[at:] if self.complete else b""

    def frame(self, payload: bytes) -> bytes:
        chunk = b"%x\r\n%b\r\n" % (len(payload), payload) if payload else b""
        return b"%b0\r\n%b\r\n" % (chunk, self._trailers) if self.complete else chunk

    def end(self) -> bool:
        return self.complete

    def _size_line(self, data: bytes, at: int) -> int:
        line = _SIZE_LINE.match(data, at, at + _SIZE_LINE_BYTES)
        if line is None:
            found, newline, _ = data[at : at + _SIZE_LINE_BYTES].partition(b"\n")
            if newline or len(found) == _SIZE_LINE_BYTES:
                raise Refusal(f"{show(found + newline)} is no chunk size")
            return at
        self._left = int(line[1], 16)
        self._step = Chunked._chunk if self._left else Chunked._trailer_section
        return line.end()

    def _chunk(self, data: bytes, at: int) -> int:
        piece = data[at : at + self._left]
        self._pieces.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._step = Chunked._chunk_end
        return at + len(piece)

    def _chunk_end(self, data: bytes, at: int) -> int:
        ending = data[at : at + 2]
        if not b"\r\n".startswith(ending):
            raise Refusal("a chunk does not end where its size says")
        if ending != b"\r\n":
            return at
        self._step = Chunked._size_line
        return at + 2

    def _trailer_section(self, data: bytes, at: int) -> int:
        if data.startswith(b"\r\n", at):
            self.complete = True
            return at + 2
        end = data.find(b"\r\n\r\n", at) + 4
        if end == 3:
            if len(data) - at > self._limits.head_bytes:
                raise Refusal(f"the trailers are larger than {self._limits.head_bytes} bytes", 431)
            return at
        check_trailers(data[at:end], self._limits.head_fields)
        self._trailers = data[at : end - 2]
        self.complete = True
        return end


def request_body(head: RequestHead, limits: Limits) -> Body:
    return Chunked(limits) if head.length is None else Sized(head.length)


def response_body(head: ResponseHead, method: bytes, limits: Limits) -> Body:
    """The body that follows a final response head (RFC 9112 section 6.3)."""
    if method == b"HEAD" or head.status in (204, 304):
        return Sized(0)
    if head.chunked:
        return Chunked(limits)
    return UntilClosed() if head.length is None else Sized(head.length)
