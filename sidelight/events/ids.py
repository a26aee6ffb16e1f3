"""Exchange ids: UUIDs of version 7, ordered by time, strictly growing within one mint.

Source: RFC 9562 section 5.7, and section 6.2 method 3 (sub-millisecond time in ``rand_a``).
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62


class IdMint:
    """Mints ids: 48 bits of milliseconds, 12 bits of their fraction, 62 random bits.

    When the clock stands or goes back, ids go on growing from the last one.
    """

    def __init__(
        self,
        clock_ns: Callable[[], int] = time.time_ns,
        random_bits: Callable[[int], int] = random.getrandbits,
    ) -> None:
        self._clock_ns = clock_ns
        self._random_bits = random_bits
        self._last = 0

    def __call__(self) -> bytes:
        """A new id: 16 bytes whose order is the order of minting."""
        milliseconds, rest = divmod(self._clock_ns(), 1_000_000)
        stamp = milliseconds << 12 | (rest << 12) // 1_000_000
        self._last = stamp = max(stamp, self._last + 1)
        high = (stamp >> 12) << 80 | _VERSION | (stamp & 0xFFF) << 64
        return (high | _VARIANT | self._random_bits(62)).to_bytes(16, "big")


def derived_id(time_ns: int, *parts: str) -> str:
    """An id of that form, a hash of `parts` in place of random bits: told again it is the same."""
    digits = hashlib.sha256("\0".join(parts).encode()).digest()[:10]
    stamp = max(time_ns, 0) // 1_000_000 & 0xFFFFFFFFFFFF
    high = stamp << 80 | _VERSION | (int.from_bytes(digits[8:]) & 0xFFF) << 64
    return id_text((high | _VARIANT | int.from_bytes(digits[:8]) >> 2).to_bytes(16, "big"))


def id_text(id_: bytes) -> str:
    """The id in its usual form: ``018f6e2a-....-7...-....-............``."""
    text = id_.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
