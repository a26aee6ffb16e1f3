"""Asks every few seconds what no record tells: whether services answer, and how scoring lags."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import apsw
import structlog

from sidelight.errors import SidelightError
from sidelight_dashboard.overview.ages import length
from sidelight_dashboard.overview.lag import Lag, lag_of
from sidelight_dashboard.overview.lines import Line
from sidelight_dashboard.overview.services import ask, services_of
from sidelight_dashboard.overview.status import Word
from sidelight_dashboard.overview.told import Overview, overview
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS

BEAT_SECONDS = 5.0

logger = structlog.get_logger("sidelight.dashboard")

UNKNOWN = Lag(0, None, None, 0.0)
"""Before the first beat."""


class Pulse:
    """What was found at the last beat. Rises the revision when a page would now read otherwise,
    since time alone makes data old. `words` are the worst of each model."""

    def __init__(self, showing: Showing) -> None:
        self._showing = showing
        self.lag = UNKNOWN
        self.services = services_of(showing.settings)
        self.words: dict[str, Word] = {}
        self._seen: object = None
        self._made: tuple[int, Overview] | None = None

    @asynccontextmanager
    async def beating(self, _app: object) -> AsyncIterator[None]:
        """For the life of the app."""
        task = asyncio.create_task(self._beat_on(), name="pulse")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def beat(self) -> None:
        """Ask once."""
        showing = self._showing
        asked = asyncio.to_thread(lag_of, showing, time.time_ns())
        self.services, self.lag = await asyncio.gather(ask(self.services), asked)
        self._made = None
        seen = await asyncio.to_thread(self._readable)
        if seen != self._seen:
            self._seen = seen
            showing.revision.rise()

    def overview(self) -> Overview:
        """As things are; many readers share one that is less than a second old."""
        number, made = self._showing.revision.number, self._made
        if made and made[0] == number and time.time_ns() - made[1].at_ns < NS:
            return made[1]
        told = overview(self._showing, self.lag, self.services, time.time_ns())
        self._made = (number, told)
        return told

    async def _beat_on(self) -> None:
        while True:
            try:
                await self.beat()
            except (SidelightError, apsw.Error) as exc:
                logger.warning("the overview waits, trying again", reason=str(exc))
            await asyncio.sleep(BEAT_SECONDS)

    def _readable(self) -> object:
        """What a reader would notice: words, ages, services, and the lag."""
        told = self.overview()
        # The worst line of a model comes first.
        self.words = {one.model: one.word for one in reversed(told.lines)}
        lines = [
            (line.model, line.version, _age(line.newest_ns, told), _words(line, told))
            for line in told.lines
        ]
        lag = told.lag
        ages = _age(lag.newest_ns, told), _age(lag.since_ns, told)
        return (
            lines,
            told.services,
            lag.waiting,
            lag.trouble,
            lag.is_reading,
            round(lag.per_second),
            ages,
        )


def _words(line: Line, told: Overview) -> list[tuple[Word, str]]:
    return [(one.word, _age(one.since_ns, told)) for one in line.statuses.values()]


def _age(at_ns: int | None, told: Overview) -> str:
    return "" if at_ns is None else length(at_ns, told.at_ns)
