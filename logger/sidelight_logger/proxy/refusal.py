"""What the proxy answers by itself: a status and a JSON body that names the reason."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import orjson

from sidelight.errors import SidelightError


class Refusal(SidelightError):
    """A message that is not forwarded, and the status that says so."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


def show(text: bytes) -> str:
    """Foreign bytes in a message of ours: quoted, escaped, and not too long."""
    return repr(text if len(text) <= 60 else text[:57] + b"...")[1:]


def answer(refusal: Refusal, lines: Sequence[bytes] = (), *, bodiless: bool = False) -> bytes:
    """The whole response, with these lines in its head; it always ends the connection."""
    body = orjson.dumps({"error": refusal.reason})
    phrase = HTTPStatus(refusal.status).phrase.encode()
    head = (
        b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"%bConnection: close\r\n\r\n" % (refusal.status, phrase, len(body), b"".join(lines))
    )
    return head if bodiless else head + body
