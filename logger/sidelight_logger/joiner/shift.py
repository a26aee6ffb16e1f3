"""One group's loop: follows the claims, lets every part work, waits out what the log refuses."""

from __future__ import annotations

import threading
from typing import Generic, Protocol, TypeVar

import structlog

from sidelight.errors import ConfigError, Fenced, GroupBusy, LogError
from sidelight.log.contract import Log
from sidelight.log.crew import Crew

IDLE_SECONDS = 0.1
"""How long a quiet topic is waited on before claims are asked for again."""
RETRY_SECONDS = 1.0
"""Pause after the log could not do what was asked."""

logger = structlog.get_logger("sidelight.joiner")


class Part(Protocol):
    """The work at one partition; `step` tells whether there was any."""

    @property
    def position(self) -> int | None: ...

    def step(self, wait_seconds: float) -> bool: ...

    def finish(self) -> None: ...


P = TypeVar("P", bound=Part)


class Shift(Generic[P]):
    """`run` works until `stop` is set. `not_ready` says what it waits for, "" when for nothing."""

    def __init__(self, log: Log, crew: Crew[P], stop: threading.Event) -> None:
        self.not_ready = "starting"
        self.crew = crew
        self._log = log
        self._stop = stop

    def run(self) -> None:
        """Waits out what the log refuses; what was not said is said when it takes it again."""
        wait_seconds = 0.0
        try:
            while not self._stop.is_set():
                wait_seconds = 0.0 if self._try(wait_seconds) else IDLE_SECONDS
            self._finish()
        finally:
            self.crew.leave()

    def _try(self, wait_seconds: float) -> bool:
        try:
            worked = self._work(wait_seconds)
        except Fenced as exc:
            logger.warning("replaced, joining again", group=self.crew.group, reason=str(exc))
            self.crew.leave()
            return True
        except (LogError, ConfigError) as exc:
            self._tell(exc)
            self._stop.wait(RETRY_SECONDS)
            return True
        self.not_ready = ""
        return worked

    def _work(self, wait_seconds: float) -> bool:
        self.crew.join(self._log, RETRY_SECONDS)
        self.crew.follow()
        if not self.crew.workers:
            self._stop.wait(wait_seconds)
            return False
        each = wait_seconds / len(self.crew.workers)
        worked = list(self.crew.each(lambda part: part.step(each)))
        self.crew.watch()
        return any(worked)

    def _tell(self, exc: Exception) -> None:
        if self.not_ready != str(exc):
            told = "waiting for another process" if isinstance(exc, GroupBusy) else "log refused"
            logger.warning(f"{told}, trying again", group=self.crew.group, reason=str(exc))
        self.not_ready = str(exc)

    def _finish(self) -> None:
        try:
            list(self.crew.each(lambda part: part.finish()))
        except LogError as exc:
            logger.warning("not all was committed; it is done again", reason=str(exc))
