"""Tells one receiver of alarms: what is new, what failed, and what still stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import aiohttp
import structlog

from sidelight_dashboard.delivering.book import Book, Due
from sidelight_dashboard.delivering.metrics import Counted
from sidelight_dashboard.delivering.notice import Notice, State, notice_of
from sidelight_dashboard.delivering.patience import Patience
from sidelight_dashboard.delivering.posting import Failed, post
from sidelight_dashboard.delivering.receiver import Receiver
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS

logger = structlog.get_logger("sidelight.dashboard")


class Delivery:
    """`look` whenever there is something new, `send` every second. Times are the machine's."""

    def __init__(
        self, showing: Showing, receiver: Receiver, counted: Counted, patience: Patience
    ) -> None:
        self.book = Book(showing.store, receiver.name)
        self._showing = showing
        self._receiver = receiver
        self._counted = counted
        self._patience = patience
        self._silent_until_ns = 0
        self._again_ns = 0
        self._failures = 0

    def look(self, now_ns: int) -> None:
        """Enter the changes that it should know.

        A receiver that is new is told of what stands, and of what comes; not of the past.
        """
        since_ns, known = self.book.since_ns(now_ns), self.book.known()
        for id_, model, detector, appended_ns, cleared_ns in self._alarms():
            if not self._receiver.wants(model, detector):
                continue
            is_news = cleared_ns is None or appended_ns >= since_ns
            if (id_, "raised") not in known and is_news:
                self._enter(id_, "raised", now_ns)
                known.add((id_, "raised"))
            if (
                cleared_ns is not None
                and (id_, "raised") in known
                and (id_, "cleared") not in known
            ):
                self._enter(id_, "cleared", now_ns)
        self.book.forget(now_ns - int(self._showing.settings.dashboard.keep_seconds * NS))

    async def send(self, session: aiohttp.ClientSession, now_ns: int) -> None:
        """Post what is due."""
        if now_ns < self._silent_until_ns:
            return
        due, again = self.book.due(now_ns), self._again(now_ns)
        parts = _parts(due, self._receiver.form.most) or ([[]] if again else [])
        for part in parts:
            await self._send(session, part, again, now_ns)
            again = []

    async def _send(
        self, session: aiohttp.ClientSession, part: Sequence[Due], again: list[Notice], now_ns: int
    ) -> None:
        notices = [*again, *(one.notice for one in part)]
        body = self._receiver.form.body(notices, now_ns)
        failed = await post(session, self._receiver, body)
        if failed is not None and failed.is_final and len(notices) > 1 and part:
            for one in part:  # one that is refused takes no other with it
                await self._send(session, [one], [], now_ns)
            return
        self._ended(part, failed, now_ns)

    def _again(self, now_ns: int) -> list[Notice]:
        """What it has taken, and is to be told again now."""
        pause = self._receiver.form.again_seconds
        if pause is None or now_ns < self._again_ns:
            return []
        stands = {alarm for alarm, *_, cleared_ns in self._alarms() if cleared_ns is None}
        return [notice for id_, notice in self.book.raised().items() if id_ in stands]

    def _ended(self, part: Sequence[Due], failed: Failed | None, now_ns: int) -> None:
        if failed is None:
            self._taken(part, now_ns)
        else:
            self._failed(part, failed, now_ns)

    def _taken(self, part: Sequence[Due], now_ns: int) -> None:
        if self._failures:
            logger.info("alarms are taken again", receiver=self._receiver.name)
        self._failures = 0
        self._again_ns = now_ns + int((self._receiver.form.again_seconds or 0.0) * NS)
        self._counted.up()
        for one in part:
            self.book.taken(one.notice)
            self._counted.ended("taken")

    def _failed(self, part: Sequence[Due], failed: Failed, now_ns: int) -> None:
        if not self._failures:
            logger.warning("no alarms taken", receiver=self._receiver.name, reason=failed.reason)
        self._failures += 1
        self._counted.down()
        self._silent_until_ns = now_ns + int(self._patience.advised(failed.after_seconds) * NS)
        self._again_ns = now_ns + int(self._patience.seconds(self._failures) * NS)
        for one in part:
            self._try_later(one, failed, now_ns)

    def _try_later(self, one: Due, failed: Failed, now_ns: int) -> None:
        waited_seconds = (now_ns - one.since_ns) / NS
        if failed.is_final or waited_seconds >= self._receiver.settings.give_up_seconds:
            told = {"receiver": self._receiver.name, "alarm": one.notice.url}
            logger.error("alarm not delivered, given up", **told, reason=failed.reason)
            self.book.given_up(one.notice, failed.reason)
            self._counted.ended("given_up")
            return
        seconds = self._patience.seconds(one.tries + 1, failed.after_seconds)
        self.book.failed(one.notice, now_ns + int(seconds * NS), failed.reason)
        self._counted.ended("failed")

    def _enter(self, id_: str, state: State, now_ns: int) -> None:
        self.book.enter(notice_of(self._showing, id_, state), now_ns)

    def _alarms(self) -> Iterator[tuple[str, str, str, int, int | None]]:
        yield from self._showing.store.series.rows(
            "SELECT id, model, detector, appended_ns, cleared_ns FROM alarm ORDER BY appended_ns"
        )


def _parts(due: Sequence[Due], most: int) -> list[Sequence[Due]]:
    return [due[begin : begin + most] for begin in range(0, len(due), most)]
