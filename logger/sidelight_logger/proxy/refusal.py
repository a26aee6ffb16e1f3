"""What the proxy answers by itself: a status and a JSON body that names the reason."""

from __future__ import annotations

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


def answer(refusal: Refusal, *, request_id: bytes = b"", bodiless: bool = False) -> bytes:
    """The whole response; it always ends the connection."""
    body = orjson.dumps({"error": refusal.reason})
    phrase = HTTPStatus(refusal.status).phrase.encode()
    identity = b"X-Request-Id: %b\r\n" % request_id if request_id else b""
    head = (
        b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"%bConnection: close\r\n\r\n" % (refusal.status, phrase, len(body), identity)
    )
    return head if bodiless else head + body
