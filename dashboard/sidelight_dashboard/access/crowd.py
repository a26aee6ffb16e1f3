"""No more at once than can be answered: the rest waits its turn, and who is gone is passed by.

A page over a year of a busy model takes seconds. Without turns a few hundred of them would hold the
process for long after whoever asked has left, and keep it from all else.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sidelight.serving.answers import json_answer
from sidelight.serving.refusals import RETRY_SECONDS
from sidelight_dashboard.access.guarding import OPEN

AT_ONCE = 8
"""Pages and answers under way; fewer than there are threads, so that these have time for others."""
MOST_WAITING = 256
MOST_FOLLOWING = 256
"""Event streams: who has none sees what a page had when it was loaded."""


class Crowd:
    """The app; what costs nothing is answered at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._following = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_light(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["path"].endswith("/events"):
            await self._follow(scope, receive, send)
        elif self._waiting >= MOST_WAITING:
            await _refuse(f"{MOST_WAITING} requests are waiting")(scope, receive, send)
        elif await self._has_turn(scope, receive):
            await self._answer(scope, receive, send)

    async def _follow(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if self._following >= MOST_FOLLOWING:
            app = _refuse(f"{MOST_FOLLOWING} pages are followed")
        self._following += 1
        try:
            await app(scope, receive, send)
        finally:
            self._following -= 1

    async def _has_turn(self, scope: Scope, receive: Receive) -> bool:
        """Once there is room; False when who asked has left before."""
        if not self._places.locked():
            return await self._places.acquire()
        self._waiting += 1
        turn = asyncio.ensure_future(self._places.acquire())
        gone = asyncio.ensure_future(_gone(scope, receive))
        try:
            await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
            return turn.done() or not turn.cancel()
        except asyncio.CancelledError:
            if not turn.cancel():
                self._places.release()
            raise
        finally:
            gone.cancel()
            self._waiting -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Its place is free when it begins to answer: how fast that is read is not our matter."""
        has_place = True

        def leave() -> None:
            nonlocal has_place
            if has_place:
                self._places.release()
            has_place = False

        async def leaving(message: Message) -> None:
            leave()
            await send(message)

        try:
            await self._app(scope, receive, leaving)
        finally:
            leave()


def _is_light(path: str) -> bool:
    return path in OPEN or path.startswith("/static/")


async def _gone(scope: Scope, receive: Receive) -> None:
    """Who asks to change something sends a body, which stays to be read."""
    if scope["method"] not in ("GET", "HEAD"):
        await asyncio.Event().wait()
    while (await receive())["type"] != "http.disconnect":
        pass


def _refuse(what: str) -> ASGIApp:
    headers = {"retry-after": str(RETRY_SECONDS)}
    return json_answer({"error": f"{what}; try again in a moment"}, 503, headers)
