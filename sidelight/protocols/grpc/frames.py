"""gRPC's frame: whether a message is compressed, how long it is, then the message.

A protobuf message never begins with a byte below 8 (there is no field 0), a frame begins with 0 or
1: so the first byte tells a logged frame (KServe logs them) from a bare message.
"""

from __future__ import annotations

import struct

from sidelight.errors import MalformedPayload
from sidelight.protocols.compression import decompressed

_PREFIX = struct.Struct(">BI")
_COMPRESSED = 1

PREFIX_BYTES = _PREFIX.size


def is_framed(content: bytes) -> bool:
    """True for a frame, False for a bare message."""
    return content[:1] in (b"\0", b"\1")


def framed(message: bytes) -> bytes:
    """The message in an uncompressed frame."""
    return _PREFIX.pack(0, len(message)) + message


def first_message(content: bytes) -> bytes:
    """What is there of the message in the first frame, compressed as it is."""
    if len(content) < PREFIX_BYTES:
        return b""
    _, length = _PREFIX.unpack_from(content)
    return content[PREFIX_BYTES : PREFIX_BYTES + length]


def unframed(content: bytes, encoding: str, limit: int) -> bytes:
    """The message in the one frame that `content` is, decompressed up to `limit` bytes.

    `encoding` is the ``grpc-encoding`` of compressed messages; gzip is recognised without it.
    Raises `MalformedPayload` for a frame that is cut, damaged, or followed by another,
    `LimitExceeded` beyond the limit.
    """
    if len(content) < PREFIX_BYTES:
        raise MalformedPayload("ends within a gRPC frame; send all of it", where="body")
    flag, length = _PREFIX.unpack_from(content)
    message = content[PREFIX_BYTES:]
    if length != len(message):
        raise MalformedPayload(
            f"is a gRPC frame of {length} bytes, {len(message)} follow; send one whole message",
            where="body",
        )
    return decompressed(message, encoding or "gzip", limit) if flag == _COMPRESSED else message
