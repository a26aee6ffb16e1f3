"""Nasty requests as data: what is sent, how, and what must come of it.

The shapes are those of the smuggling literature (CL.TE, TE.CL, CL.0, TE.0, terminator and
extension variants), of RFC 9112's list of what may not be repaired, and of what has brought servers
down: giant heads, many fields, bombs, clients that are slow or leave. `tests.logger.
test_proxy_smuggling` holds the ambiguous heads one by one against the parser; here they meet a
logger at work.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Literal

Ending = Literal["read", "shut", "leave", "reset"]
"""What the client does once it has sent: read the answer, shut its sending side and read, close
without reading, reset."""

TARGET = b"/v2/models/income/infer"
PASSED = 200
"""The model has answered."""
NO_ANSWER = 0
"""The client did not wait for one, or the connection ends without one."""

_SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
"""Must never reach the model as a request of its own."""


@dataclass(frozen=True)
class Nasty:
    """`pieces` are sent one after the other, with a short pause between them."""

    name: str
    pieces: tuple[bytes, ...]
    status: int
    ending: Ending = "read"
    answers: int = 1


def _post(fields: bytes = b"", body: bytes = b"", target: bytes = TARGET) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: a\r\n%b\r\n%b" % (target, fields, body)


def _sized(body: bytes, fields: bytes = b"") -> bytes:
    return _post(b"%bContent-Length: %d\r\n" % (fields, len(body)), body)


def _chunked(body: bytes, fields: bytes = b"") -> bytes:
    return _post(b"%bTransfer-Encoding: chunked\r\n" % fields, body)


def _zstd_frame() -> bytes:
    """A frame of 128 blocks of 128 KiB, each one repeated byte: 16 MiB of 650 bytes."""
    lasts = [0] * 127 + [1]
    blocks = b"".join((128 << 10 << 3 | 2 | last).to_bytes(3, "little") + b"\0" for last in lasts)
    return b"\x28\xb5\x2f\xfd\x00\x58" + blocks


_GZIP_BOMB = gzip.compress(bytes(64 << 20), 9)
_GZIP = b"Content-Encoding: gzip\r\nContent-Type: application/json\r\n"
_DEEP = b'{"instances":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
_BOTH = b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"

SMUGGLING = (
    Nasty("CL.TE", (_post(_BOTH, b"0\r\n\r\n" + _SMUGGLED),), 400),
    Nasty(
        "TE.CL",
        (_post(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"5c\r\n" + _SMUGGLED),),
        400,
    ),
    Nasty("CL.CL", (_post(b"Content-Length: 0\r\nContent-Length: 40\r\n", _SMUGGLED),), 400),
    Nasty("TE.TE", (_chunked(b"0\r\n\r\n" + _SMUGGLED, b"Transfer-Encoding: cow\r\n"),), 400),
    Nasty("TE spaced", (_post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + _SMUGGLED),), 400),
    Nasty(
        "TE folded", (_post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n" + _SMUGGLED),), 400
    ),
    Nasty("TE vertical tab", (_post(b"Transfer-Encoding:\x0bchunked\r\n", _SMUGGLED),), 400),
    Nasty(
        "TE in 1.0", (b"POST /nasty HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",), 400
    ),
    Nasty("bare LF chunk", (_chunked(b"2\nab\n0\n\n" + _SMUGGLED),), 400),
    Nasty("chunk end skewed", (_chunked(b"2\r\nabXX0\r\n\r\n" + _SMUGGLED),), 400),
    Nasty("extension with LF", (_chunked(b"2;\nxx\r\nab\r\n0\r\n\r\n" + _SMUGGLED),), 400),
    Nasty("size wraps", (_chunked(b"1" + b"0" * 16 + b"2\r\nab\r\n0\r\n\r\n" + _SMUGGLED),), 400),
    Nasty("negative size", (_chunked(b"-2\r\nab\r\n0\r\n\r\n" + _SMUGGLED),), 400),
    Nasty("length in trailer", (_chunked(b"0\r\nContent-Length: 40\r\n\r\n" + _SMUGGLED),), 400),
    Nasty(
        "CL of a GET is a body",
        (
            b"GET /nasty HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b"
            % (len(_SMUGGLED), _SMUGGLED),
        ),
        PASSED,
    ),
    Nasty(
        "body named in Connection",
        (
            _post(
                b"Connection: content-length\r\nContent-Length: %d\r\n" % len(_SMUGGLED), _SMUGGLED
            ),
        ),
        PASSED,
    ),
    Nasty("two hosts", (_post(b"Host: b\r\n", b""),), 400),
    Nasty("absolute target", (b"GET http://elsewhere/nasty HTTP/1.1\r\nHost: a\r\n\r\n",), PASSED),
    Nasty("CONNECT", (b"CONNECT internal:22 HTTP/1.1\r\nHost: internal:22\r\n\r\n",), 400),
    Nasty("null in a header", (_post(b"X: a\0b\r\n"),), 400),
    Nasty("line in a target", (b"GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n",), 400),
)

CHUNKS = (
    Nasty(
        "one byte a piece",
        tuple(_chunked(b"3\r\nabc\r\n0\r\n\r\n")[i : i + 1] for i in range(105)),
        PASSED,
    ),
    Nasty("a thousand tiny chunks", (_chunked(b"1\r\na\r\n" * 1000 + b"0\r\n\r\n"),), PASSED),
    Nasty("extensions", (_chunked(b'2;a="b";c\r\nab\r\n0;x\r\n\r\n'),), PASSED),
    Nasty(
        "trailers", (_chunked(b"2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n", b"Trailer: X-Sum\r\n"),), PASSED
    ),
    Nasty("long extension", (_chunked(b"2;" + b"a" * 100_000),), 400),
    Nasty("giant trailers", (_chunked(b"0\r\n" + b"X: 1\r\n" * 20_000),), 431),
    Nasty("many zeros", (_chunked(b"0" * 14 + b"2\r\nab\r\n0\r\n\r\n"),), PASSED),
    Nasty("no end, then gone", (_chunked(b"5\r\nab"),), NO_ANSWER, "leave"),
)

SIZES = (
    Nasty("giant head", (_post(b"X: " + b"a" * (1 << 20) + b"\r\n"),), 431),
    Nasty("endless head", (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000,), 431),
    Nasty("many fields", (_post(b"X: 1\r\n" * 1000),), 431),
    Nasty("long target", (b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",), PASSED),
    Nasty(
        "giant length, little body",
        (_post(b"Content-Length: 999999999999\r\n", b"ab"),),
        NO_ANSWER,
        "leave",
    ),
    Nasty("above max_body", (_sized(b"a" * (6 << 20)),), PASSED),
    Nasty("gzip bomb", (_sized(_GZIP_BOMB, _GZIP),), PASSED),
    Nasty("gzip of nothing", (_sized(b"\x1f\x8b\x08\x00", _GZIP),), PASSED),
    Nasty("gzip that is none", (_sized(b"{}", _GZIP),), PASSED),
    Nasty("zstd bomb", (_sized(_zstd_frame(), b"Content-Encoding: zstd\r\n"),), PASSED),
    Nasty(
        "codings piled up",
        (_sized(_GZIP_BOMB, b"Content-Encoding: " + b"gzip, " * 50 + b"gzip\r\n"),),
        PASSED,
    ),
    Nasty("deep JSON", (_sized(_DEEP, b"Content-Type: application/json\r\n"),), PASSED),
)

MANNERS = (
    Nasty(
        "h2c upgrade",
        (
            _sized(
                b"{}",
                b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            ),
        ),
        PASSED,
    ),
    Nasty(
        "websocket",
        (_post(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"),),
        501,
    ),
    Nasty(
        "expect that nobody keeps",
        (_post(b"Expect: 100-continue\r\nContent-Length: 2\r\n"), b"ab"),
        PASSED,
    ),
    Nasty("HEAD", (b"HEAD /nasty HTTP/1.1\r\nHost: a\r\n\r\n",), PASSED),
    Nasty("TRACE", (b"TRACE /nasty HTTP/1.1\r\nHost: a\r\n\r\n",), PASSED),
    Nasty("unknown method", (b"M-SEARCH /nasty HTTP/1.1\r\nHost: a\r\n\r\n",), PASSED),
    Nasty("HTTP/1.0", (b"GET /nasty HTTP/1.0\r\n\r\n",), PASSED),
    Nasty("HTTP/0.9", (b"GET /nasty\r\n\r\n",), 400),
    Nasty("HTTP/3.0", (b"GET /nasty HTTP/3.0\r\nHost: a\r\n\r\n",), 505),
    Nasty("blank lines first", (b"\r\n" + _sized(b"ab"),), PASSED),
    Nasty(
        "TLS", (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",), 400
    ),
    Nasty("SSH", (b"SSH-2.0-OpenSSH_9.2\r\n\r\n",), 400),
    Nasty("all bytes", (bytes(range(256)) * 20 + b"\r\n\r\n",), 400),
    Nasty("nothing at all", (), NO_ANSWER, "leave"),
    Nasty("half a head, then gone", (b"POST /nasty HTTP/1.1\r\nHo",), NO_ANSWER, "leave"),
    Nasty("half a head, then shut", (b"POST /nasty HTTP/1.1\r\nHo",), NO_ANSWER, "shut"),
    Nasty("half a body, then shut", (_post(b"Content-Length: 10\r\n", b"abc"),), NO_ANSWER, "shut"),
    Nasty(
        "half a body, then reset", (_post(b"Content-Length: 10\r\n", b"abc"),), NO_ANSWER, "reset"
    ),
    Nasty("gone before the answer", (_sized(b"ab"),), NO_ANSWER, "reset"),
    Nasty("shut, and still listening", (_sized(b"ab"),), PASSED, "shut"),
    Nasty("slow-loris", (b"GET /nasty HTTP/1.1\r\n", *[b"X: 1\r\n"] * 30), NO_ANSWER, "leave"),
    Nasty("slow body", (_post(b"Content-Length: 20\r\n"), *(b"a" for _ in range(20))), PASSED),
    Nasty(
        "two hundred pipelined",
        ((b"GET /nasty HTTP/1.1\r\nHost: a\r\n\r\n" * 200),),
        PASSED,
        answers=200,
    ),
)

REQUESTS = (*SMUGGLING, *CHUNKS, *SIZES, *MANNERS)
