"""Reads the body of a request within a limit."""

from __future__ import annotations

from fastapi import Request

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.events.exchange import Body

JSON_LENGTH = "inference-header-content-length"


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; nothing beyond `limit` bytes is ever held."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise LimitExceeded(f"more than {limit} bytes; send fewer rows at once", where="body")
    return bytes(body)


async def read_described(request: Request, limit: int) -> Body:
    """The whole body with what the headers say of it; errors as `read_body`."""
    json_length = _length(request.headers.get(JSON_LENGTH))
    content = await read_body(request, limit)
    return Body(
        content,
        request.headers.get("content-type", ""),
        request.headers.get("content-encoding", ""),
        json_length,
        len(content),
    )


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise MalformedPayload(f"is {text[:32]!r}; send a whole number", where=JSON_LENGTH)
    return int(text)
