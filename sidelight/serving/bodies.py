"""Reads the body of a request within a limit."""

from __future__ import annotations

from fastapi import Request

from sidelight.errors import LimitExceeded


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; nothing beyond `limit` bytes is ever held."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise LimitExceeded(f"more than {limit} bytes; send fewer rows at once", where="body")
    return bytes(body)
