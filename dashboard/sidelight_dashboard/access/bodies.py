"""No request has a larger body than the dashboard has use for."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 1 << 20
"""Bytes."""


class Bounded:
    """The app; reading more than `MOST` bytes of a body ends in 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MOST:
                raise HTTPException(413, f"a body of more than {MOST} bytes")
            return message

        await self._app(scope, bounded, send)
