"""What happens when more is asked than can be answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from sidelight_dashboard.access import crowd
from sidelight_dashboard.access.crowd import AT_ONCE, Crowd


class Slow:
    """Begins to answer when it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        await self.may.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Asking:
    """One request; `leave` closes its connection."""

    def __init__(self, app: Crowd, path: str, method: str = "GET") -> None:
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.status = 0
        scope = {"type": "http", "method": method, "path": path, "headers": []}
        self.task = asyncio.ensure_future(app(scope, self._messages.get, self._send))

    def leave(self) -> None:
        self._messages.put_nowait({"type": "http.disconnect"})

    async def _send(self, message: Message) -> None:
        self.status = message.get("status", self.status)


def at_once(test: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(test(), 20))


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_rest_waits_its_turn(method: str) -> None:
    async def test() -> None:
        app = Slow()
        guarded = Crowd(app)
        asked = [Asking(guarded, f"/{n}", method) for n in range(3 * AT_ONCE)]
        await settled()
        assert len(app.asked) == AT_ONCE
        app.may.set()
        await asyncio.gather(*(one.task for one in asked))
        assert [one.status for one in asked] == [200] * 3 * AT_ONCE

    at_once(test)


def test_who_has_left_while_waiting_is_passed_by() -> None:
    async def test() -> None:
        app = Slow()
        guarded = Crowd(app)
        asked = [Asking(guarded, f"/{n}") for n in range(AT_ONCE + 3)]
        await settled()
        asked[AT_ONCE + 1].leave()
        asked[AT_ONCE + 2].task.cancel()
        await settled()
        app.may.set()
        await asyncio.gather(*(one.task for one in asked), return_exceptions=True)
        assert app.asked == [f"/{n}" for n in range(AT_ONCE + 1)]
        again = [Asking(guarded, "/again") for _ in range(AT_ONCE)]
        await asyncio.gather(*(one.task for one in again))
        assert app.asked.count("/again") == AT_ONCE

    at_once(test)


def test_who_reads_its_answer_slowly_holds_up_nobody() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    async def test() -> None:
        guarded = Crowd(slow)
        asked = [Asking(guarded, "/") for _ in range(5 * AT_ONCE)]
        await settled()
        assert all(one.status == 200 for one in asked)
        for one in asked:
            one.task.cancel()

    at_once(test)


def test_too_long_a_queue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MOST_WAITING", 2)

    async def test() -> None:
        app = Slow()
        guarded = Crowd(app)
        asked = [Asking(guarded, "/") for _ in range(AT_ONCE + 3)]
        await settled()
        assert [one.status for one in asked] == [0] * (AT_ONCE + 2) + [503]
        app.may.set()
        await asyncio.gather(*(one.task for one in asked))

    at_once(test)


def test_who_watches_the_process_waits_for_nobody() -> None:
    async def test() -> None:
        app = Slow()
        guarded = Crowd(app)
        asked = [Asking(guarded, "/models/x/drift") for _ in range(AT_ONCE)]
        await settled()
        asked += [Asking(guarded, path) for path in ("/healthz", "/metrics", "/static/page.js")]
        await settled()
        assert app.asked[AT_ONCE:] == ["/healthz", "/metrics", "/static/page.js"]
        app.may.set()
        await asyncio.gather(*(one.task for one in asked))

    at_once(test)


def test_followers_take_no_turns_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MOST_FOLLOWING", AT_ONCE + 1)

    async def test() -> None:
        app = Slow()
        guarded = Crowd(app)
        asked = [Asking(guarded, "/events") for _ in range(AT_ONCE + 2)]
        asked.append(Asking(guarded, "/"))
        await settled()
        assert asked[-2].status == 503
        assert app.asked == ["/events"] * (AT_ONCE + 1) + ["/"]
        app.may.set()
        await asyncio.gather(*(one.task for one in asked))
        later = Asking(guarded, "/events")
        await later.task
        assert later.status == 200

    at_once(test)
