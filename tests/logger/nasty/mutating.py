"""Bytes that are nearly right: corpora, cut, spliced and bent by a seeded generator."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b";", b",", b"\x0b", b"\xa0"),
    *(b"0\r\n\r\n", b"5\r\n", b"0x5", b"+5", b"-1", b"ffffffffffffffff", b"00000000"),
    *(b"chunked", b"CHUNKED", b"identity", b"gzip", b"close", b"keep-alive", b"100-continue"),
    *(b"Content-Length: 5\r\n", b"Content-Length:\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Transfer-Encoding : chunked\r\n", b"Host: b\r\n", b"Connection: content-length\r\n"),
    *(b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b"TE: trailers\r\n", b" folded\r\n"),
    *(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0"),
)


def mutated(sample: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """`sample` after one to four changes."""
    data = sample
    for _ in range(chance.randrange(1, 5)):
        data = chance.choice(_CHANGES)(data, others, chance)
    return data


Change = Callable[[bytes, Sequence[bytes], random.Random], bytes]


def _flip(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _insert(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(_TOKENS) + data[at:]


def _remove(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randrange(1, 9) :]


def _repeat(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    at = chance.randrange(len(lines))
    return b"\r\n".join([*lines[:at], lines[at], *lines[at:]])


def _splice(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


def _follow(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    return data + chance.choice(others)


_CHANGES: tuple[Change, ...] = (_flip, _insert, _insert, _remove, _repeat, _splice, _follow)
