"""Which model a ``ModelInfer`` message names, read without protobuf and without its tensors.

The path of a gRPC call names no model. Imports nothing heavy.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from sidelight.protocols.grpc.frames import PREFIX_BYTES, first_message, is_framed
from sidelight.protocols.limits import DEFAULT_LIMITS

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_MOST_FIELDS = 4 * DEFAULT_LIMITS.columns
"""Tensors that are read, wanted and raw, and parameters. Millions of others would take seconds."""
_VARINT, _FIXED64, _BYTES, _GROUP, _END, _FIXED32 = range(6)


@dataclass(frozen=True, slots=True)
class Names:
    """What a message says first: the model, its version, the id. Empty where it says nothing."""

    model: str = ""
    version: str = ""
    id: str = ""


def names_in(content: bytes) -> Names:
    """The names in a ``ModelInferRequest`` or ``ModelInferResponse``; both number them alike.

    The message is bare or in a frame, compressed or not; of several frames the first counts. Where
    it was cut, is damaged, holds more fields than any that is decoded, or is longer than
    `Limits.decompressed_bytes` when decompressed, what stands before that. Never raises.
    """
    found = ["", "", ""]
    for number, text in _texts(_message(content)):
        found[number - 1] = text.decode(errors="replace")
    return Names(*found)


def _message(content: bytes) -> bytes:
    """The message as far as it can be had."""
    if not is_framed(content):
        return content
    if content[0] == 0:
        return first_message(content)
    machine = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        return machine.decompress(content[PREFIX_BYTES:], DEFAULT_LIMITS.decompressed_bytes)
    except zlib.error:
        return b""


def _texts(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields 1 to 3; as in protobuf, the last one of a number counts."""
    at, end, depth = 0, len(message), 0
    for _ in range(_MOST_FIELDS):
        if at >= end:
            return
        tag, at = _varint(message, at)
        kind, number = tag & 7, tag >> 3
        if kind == _BYTES:
            length, at = _varint(message, at)
            if at + length > end:
                return
            if 1 <= number <= 3 and not depth:
                yield number, message[at : at + length]
            at += length
        elif kind == _VARINT:
            _, at = _varint(message, at)
        elif kind in (_GROUP, _END):
            depth += 1 if kind == _GROUP else -1
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            return


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins there and where it ends; beyond the end of the message when cut."""
    value = shift = 0
    for position in range(at, min(at + 10, len(message))):
        byte = message[position]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position + 1
        shift += 7
    return 0, len(message) + 1
