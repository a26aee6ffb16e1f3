"""What the recorder answers: how many captures of the connection it has settled so far."""

from __future__ import annotations

import struct

_ACKNOWLEDGEMENT = struct.Struct("<Q")


def encode_acknowledgement(settled: int) -> bytes:
    return _ACKNOWLEDGEMENT.pack(settled)


class Acknowledgements:
    """Reads the recorder's answers; `feed` returns how many captures are settled so far."""

    def __init__(self) -> None:
        self._settled = 0
        self._rest = b""

    def feed(self, data: bytes) -> int:
        data = self._rest + data
        whole = len(data) - len(data) % _ACKNOWLEDGEMENT.size
        if whole:
            (self._settled,) = _ACKNOWLEDGEMENT.unpack_from(data, whole - _ACKNOWLEDGEMENT.size)
        self._rest = data[whole:]
        return self._settled
