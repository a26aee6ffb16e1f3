"""Tells browsers that there is something new, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from sidelight_dashboard.live.revision import Revision

LEAST_SECONDS = 1.0
"""Between two events to one browser."""

BEAT_SECONDS = 15.0
"""Without news, so that nobody between takes the connection for a dead one."""


def router(revision: Revision) -> APIRouter:
    router = APIRouter(tags=["Service"])

    @router.get(
        "/events",
        summary="A number that changes when there is something new",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def events() -> StreamingResponse:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_events(revision), 200, headers, "text/event-stream")

    return router


async def _events(revision: Revision) -> AsyncIterator[str]:
    async for number in revision.following(BEAT_SECONDS):
        yield f"event: revision\ndata: {number}\n\n"
        await asyncio.sleep(LEAST_SECONDS)
