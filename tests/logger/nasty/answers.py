"""Nasty answers of a model server as data: what it sends, and what the client must make of it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Literal

Then = Literal["keep", "close", "reset"]
"""What the server does with the connection once all is sent."""
Reading = Literal["whole", "cut", "refused"]
"""What the client must see: a whole answer, one that cannot be taken for whole, or 502."""


@dataclass(frozen=True)
class NastyAnswer:
    """`status` and `body` are those that the client must read when the answer is whole."""

    name: str
    pieces: tuple[bytes, ...]
    reading: Reading
    status: int = 200
    body: bytes = b""
    then: Then = "close"
    method: str = "POST"


def _head(fields: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\n%b\r\n" % (status, fields)


_CHUNKED = _head(b"Transfer-Encoding: chunked\r\n")
_BOMB = gzip.compress(bytes(64 << 20), 9)
_OK = _head(b"Content-Length: 2\r\n") + b"ok"
_EXTRA = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
"""An answer that nobody asked for, which must reach nobody. (One that comes when its connection
carries the next request already cannot be told from that one's answer: HTTP/1.1 numbers nothing.)
"""

WHOLE = (
    NastyAnswer(
        "one byte a piece",
        tuple(_OK[i : i + 1] for i in range(len(_OK))),
        "whole",
        body=b"ok",
        then="keep",
    ),
    NastyAnswer("until closed", (_head(b""), b"a" * 1000), "whole", body=b"a" * 1000),
    NastyAnswer("an answer too many", (_OK + _EXTRA,), "whole", body=b"ok", then="keep"),
    NastyAnswer(
        "interim answers",
        (
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 20,
            _OK,
        ),
        "whole",
        body=b"ok",
        then="keep",
    ),
    NastyAnswer(
        "204 with a length", (_head(b"Content-Length: 5\r\n", b"204 -"),), "whole", 204, then="keep"
    ),
    NastyAnswer(
        "304 with a body",
        (_head(b"Content-Length: 5\r\n", b"304 -") + b"extra",),
        "whole",
        304,
        then="keep",
    ),
    NastyAnswer(
        "HEAD with a length",
        (_head(b"Content-Length: 500\r\n"),),
        "whole",
        then="keep",
        method="HEAD",
    ),
    NastyAnswer(
        "HEAD with a body",
        (_head(b"Content-Length: 5\r\n") + b"extra",),
        "whole",
        then="keep",
        method="HEAD",
    ),
    NastyAnswer("HEAD in chunks", (_CHUNKED,), "whole", then="keep", method="HEAD"),
    NastyAnswer(
        "tiny chunks, trailers",
        (_CHUNKED + b"1;x=y\r\na\r\n" * 500, b"0\r\nX-Sum: 1\r\n\r\n"),
        "whole",
        body=b"a" * 500,
        then="keep",
    ),
    NastyAnswer(
        "gzip bomb",
        (_head(b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(_BOMB)) + _BOMB,),
        "whole",
        body=_BOMB,
        then="keep",
    ),
    NastyAnswer(
        "above max_body",
        (_head(b"Content-Length: %d\r\n" % (6 << 20)) + b"a" * (6 << 20),),
        "whole",
        body=b"a" * (6 << 20),
        then="keep",
    ),
    NastyAnswer(
        "status without a reason",
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",),
        "whole",
        body=b"ok",
        then="keep",
    ),
    NastyAnswer(
        "status 999", (_head(b"Content-Length: 0\r\n", b"999 Odd"),), "whole", 999, then="keep"
    ),
    NastyAnswer(
        "many cookies",
        (_head(b"Set-Cookie: a=b\r\n" * 100 + b"Content-Length: 2\r\n") + b"ok",),
        "whole",
        body=b"ok",
        then="keep",
    ),
)

CUT = (
    NastyAnswer("short of its length", (_head(b"Content-Length: 100\r\n") + b"abc",), "cut"),
    NastyAnswer(
        "reset within its length",
        (_head(b"Content-Length: 100\r\n") + b"abc",),
        "cut",
        then="reset",
    ),
    NastyAnswer("no last chunk", (_CHUNKED + b"3\r\nabc\r\n",), "cut"),
    NastyAnswer("bad chunk later", (_CHUNKED + b"3\r\nabc\r\n", b"zz\r\nabc\r\n"), "cut"),
    NastyAnswer(
        "length in trailer later",
        (_CHUNKED + b"3\r\nabc\r\n", b"0\r\nContent-Length: 5\r\n\r\n"),
        "cut",
    ),
    NastyAnswer(
        "giant trailers later", (_CHUNKED + b"3\r\nabc\r\n", b"0\r\n" + b"X: 1\r\n" * 20_000), "cut"
    ),
)

REFUSED = (
    NastyAnswer("nothing", (), "refused"),
    NastyAnswer("reset at once", (), "refused", then="reset"),
    NastyAnswer("half a head", (b"HTTP/1.1 200 OK\r\nConte",), "refused"),
    NastyAnswer("only interim answers", (b"HTTP/1.1 103 -\r\n\r\n" * 3,), "refused"),
    NastyAnswer("garbage", (bytes(range(256)) + b"\r\n\r\n",), "refused"),
    NastyAnswer("HTTP/0.9", (b"just text\r\n\r\n",), "refused"),
    NastyAnswer("HTTP/2", (b"\0\0\x12\x04\0\0\0\0\0" + bytes(18) + b"\r\n\r\n",), "refused"),
    NastyAnswer(
        "switched protocols",
        (_head(b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b"101 -"),),
        "refused",
    ),
    NastyAnswer(
        "both framings",
        (_head(b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n",),
        "refused",
    ),
    NastyAnswer(
        "two lengths", (_head(b"Content-Length: 2\r\nContent-Length: 3\r\n") + b"abc",), "refused"
    ),
    NastyAnswer("signed length", (_head(b"Content-Length: +2\r\n") + b"ok",), "refused"),
    NastyAnswer(
        "gzip, chunked", (_head(b"Transfer-Encoding: gzip, chunked\r\n") + b"0\r\n\r\n",), "refused"
    ),
    NastyAnswer(
        "chunked in 1.0",
        (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",),
        "refused",
    ),
    NastyAnswer("bad chunk at once", (_CHUNKED + b"zz\r\n",), "refused"),
    NastyAnswer("folded header", (_head(b"X: a\r\n b\r\nContent-Length: 0\r\n"),), "refused"),
    NastyAnswer("bare line feeds", (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",), "refused"),
    NastyAnswer("null in a header", (_head(b"X: a\0\r\nContent-Length: 0\r\n"),), "refused"),
    NastyAnswer("giant head", (_head(b"X: " + b"a" * (1 << 20) + b"\r\n"),), "refused"),
    NastyAnswer("many fields", (_head(b"X: 1\r\n" * 5000 + b"Content-Length: 0\r\n"),), "refused"),
)

ANSWERS = (*WHOLE, *CUT, *REFUSED)
BY_NAME = {answer.name: answer for answer in ANSWERS}
