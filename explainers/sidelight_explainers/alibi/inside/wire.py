"""Messages between Sidelight and a process of alibi: JSON, and arrays as ``.npy``.

Nothing that is received is ever unpickled: what alibi's side loads is not trusted by ours.
"""

from __future__ import annotations

import io
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

LENGTH = struct.Struct("!Q")

MAX_HEADER = 64 << 20
"""Bytes of JSON; explanations of alibi take up to megabytes."""

MAX_ARRAYS = 2 << 30
"""Bytes of all arrays of a message."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Message:
    """`told` are JSON values; `arrays` hold numbers or booleans."""

    told: dict[str, Any]
    arrays: Arrays = field(default_factory=dict)


def send(to: socket.socket, told: Mapping[str, Any], **arrays: NDArray[Any]) -> None:
    parts = {name: _packed(array) for name, array in arrays.items()}
    lengths = {name: len(part) for name, part in parts.items()}
    header = json.dumps({"told": told, "arrays": lengths}).encode()
    to.sendall(LENGTH.pack(len(header)) + header)
    for part in parts.values():
        to.sendall(part)


def receive(origin: socket.socket) -> Message:
    """The next message; `EOFError` when there is none any more, `ValueError` for nonsense."""
    (length,) = LENGTH.unpack(_exactly(origin, LENGTH.size))
    if length > MAX_HEADER:
        raise ValueError(f"a message of {length} bytes")
    header = json.loads(_exactly(origin, length))
    if sum(header["arrays"].values()) > MAX_ARRAYS:
        raise ValueError(f"a message with more than {MAX_ARRAYS} bytes of arrays")
    arrays = {name: _unpacked(_exactly(origin, size)) for name, size in header["arrays"].items()}
    return Message(header["told"], arrays)


def _packed(array: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, np.asarray(array), allow_pickle=False)
    return content.getvalue()


def _unpacked(content: bytes) -> NDArray[Any]:
    found: NDArray[Any] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return found


def _exactly(origin: socket.socket, length: int) -> bytes:
    content = bytearray()
    while len(content) < length:
        part = origin.recv(min(length - len(content), 1 << 20))
        if not part:
            raise EOFError("the other side is gone")
        content += part
    return bytes(content)
