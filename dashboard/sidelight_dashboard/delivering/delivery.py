"""Posts to one receiver: what is due, what failed before, and again what still stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import aiohttp
import structlog

from sidelight_dashboard.delivering.book import Book, Due
from sidelight_dashboard.delivering.metrics import Counted
from sidelight_dashboard.delivering.news import News
from sidelight_dashboard.delivering.notice import Notice
from sidelight_dashboard.delivering.patience import Patience
from sidelight_dashboard.delivering.posting import Failed, post
from sidelight_dashboard.delivering.receiver import Receiver
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS

logger = structlog.get_logger("sidelight.dashboard")
Part = TypeVar("Part")


class Delivery:
    """`look` when there is something new, `send` every now and then. Times are the machine's."""

    def __init__(
        self, showing: Showing, receiver: Receiver, counted: Counted, patience: Patience
    ) -> None:
        self.book = Book(showing.store, receiver.name)
        self._news = News(showing, receiver, self.book)
        self._receiver = receiver
        self._counted = counted
        self._patience = patience
        self._silent_until_ns = 0
        self._again_ns = 0
        self._failures = 0

    def look(self, now_ns: int) -> None:
        """Enter the changes that it should know."""
        self._news.enter(now_ns)

    async def send(self, session: aiohttp.ClientSession, now_ns: int) -> None:
        """Post again what stands, where that is wanted, and then what is due."""
        pause_seconds = self._receiver.form.again_seconds
        if pause_seconds is not None and now_ns >= max(self._again_ns, self._silent_until_ns):
            await self._repeat(session, pause_seconds, now_ns)
        for part in _parts(self.book.due(now_ns), self._receiver.form.most):
            if now_ns >= self._silent_until_ns:
                await self._send(session, part, now_ns)

    async def _send(self, session: aiohttp.ClientSession, part: Sequence[Due], now_ns: int) -> None:
        failed = await self._post(session, [one.notice for one in part], now_ns)
        if failed is None:
            for one in part:
                self.book.taken(one.notice, now_ns)
                self._counted.ended("taken")
        elif failed.is_final and len(part) > 1:
            for one in part:  # one that is refused takes no other with it
                await self._send(session, [one], now_ns)
        else:
            for one in part:
                self._try_later(one, failed, now_ns)

    async def _repeat(
        self, session: aiohttp.ClientSession, pause_seconds: float, now_ns: int
    ) -> None:
        raised, stands = self.book.raised(), self._news.standing()
        notices = [notice for id_, notice in raised.items() if id_ in stands]
        for part in _parts(notices, self._receiver.form.most):
            if await self._post(session, part, now_ns) is not None:
                pause_seconds = min(pause_seconds, self._patience.seconds(self._failures))
        self._again_ns = now_ns + int(pause_seconds * NS)

    async def _post(
        self, session: aiohttp.ClientSession, notices: Sequence[Notice], now_ns: int
    ) -> Failed | None:
        body = self._receiver.form.body(notices, now_ns)
        failed = await post(session, self._receiver, body)
        if failed is None:
            self._recovered()
        else:
            self._stumbled(failed, now_ns)
        return failed

    def _recovered(self) -> None:
        if self._failures:
            logger.info("alarms are taken again", receiver=self._receiver.name)
        self._failures = 0
        self._counted.up()

    def _stumbled(self, failed: Failed, now_ns: int) -> None:
        if not self._failures:
            logger.warning("no alarms taken", receiver=self._receiver.name, reason=failed.reason)
        self._failures += 1
        self._counted.down()
        self._silent_until_ns = now_ns + int(self._patience.advised(failed.after_seconds) * NS)

    def _try_later(self, one: Due, failed: Failed, now_ns: int) -> None:
        waited_seconds = (now_ns - one.since_ns) / NS
        if failed.is_final or waited_seconds >= self._receiver.settings.give_up_seconds:
            told = {"receiver": self._receiver.name, "alarm": one.notice.url}
            logger.error("alarm not delivered, given up", **told, reason=failed.reason)
            self.book.given_up(one.notice, failed.reason, now_ns)
            self._counted.ended("given_up")
            return
        seconds = self._patience.seconds(one.tries + 1, failed.after_seconds)
        self.book.failed(one.notice, now_ns + int(seconds * NS), failed.reason)
        self._counted.ended("failed")


def _parts(whole: Sequence[Part], most: int) -> Iterator[Sequence[Part]]:
    return (whole[begin : begin + most] for begin in range(0, len(whole), most))
