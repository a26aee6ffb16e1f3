"""HTTP/2 frames: the heads that are read, and the few frames that are written here.

Source: RFC 9113, sections 3.4, 4.1, 6 and 7.
"""

from __future__ import annotations

import struct

from sidelight.errors import SidelightError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client sends first; no HTTP/1 server takes it for a request."""

HEAD = struct.Struct(">HBBBI")
"""Length (in two parts), kind, flags, stream."""
HEAD_BYTES = HEAD.size
STREAM = (1 << 31) - 1
"""The bits that number a stream; also the highest number there can be."""
SURE_FRAME_BYTES = 16_384
"""A payload that every peer takes, whatever it announces."""

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE = range(6)
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(6, 10)

END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8
WITH_PRIORITY = 32

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR = range(3)
FRAME_SIZE_ERROR = 6
COMPRESSION_ERROR = 9
ENHANCE_YOUR_CALM = 11

HEADER_TABLE_SIZE = 1
_SETTING = struct.Struct(">HI")
_GOAWAY = struct.Struct(">II")


class Violation(SidelightError):
    """What a peer sent that ends its connection, and the code that HTTP/2 has for it."""

    def __init__(self, reason: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    high, low = divmod(len(payload), 1 << 8)
    return HEAD.pack(high, low, kind, flags, stream) + payload


def goaway(last_stream: int, code: int, reason: str = "") -> bytes:
    """No stream above `last_stream` is served on this connection."""
    return frame(GOAWAY, 0, 0, _GOAWAY.pack(last_stream, code) + reason.encode())


def setting(payload: bytes, name: int) -> int | None:
    """The last value that a SETTINGS frame gives one setting; None when it gives none."""
    whole = len(payload) - len(payload) % _SETTING.size
    values = [value for key, value in _SETTING.iter_unpack(payload[:whole]) if key == name]
    return values[-1] if values else None
