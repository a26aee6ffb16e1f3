"""The partitions of one group that this process works at, for as long as it claims them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

import structlog

from sidelight.errors import ConfigError, Fenced, GroupBusy, LogError
from sidelight.log.contract import Claim, Log, Membership

IDLE_SECONDS = 0.1
"""How long a quiet topic is waited on before claims are asked for again."""
RETRY_SECONDS = 1.0
"""Pause after the log could not do what was asked."""

logger = structlog.get_logger("sidelight.joiner")


class Part(Protocol):
    """The work at one partition; `step` tells whether there was any."""

    def resume(self) -> None: ...

    def step(self, wait_seconds: float) -> bool: ...

    def finish(self) -> None: ...


P = TypeVar("P", bound=Part)


class Shift(Generic[P]):
    """`run` works until `stop` is set. `not_ready` says what it waits for, "" when for nothing.

    `parts` may be read from any thread: it is replaced, never changed.
    """

    def __init__(
        self,
        log: Log,
        group: str,
        topic: str,
        hire: Callable[[Membership, int], P],
        stop: threading.Event,
    ) -> None:
        self.not_ready = "starting"
        self.parts: Mapping[Claim, P] = {}
        self._log = log
        self._group = group
        self._topic = topic
        self._hire = hire
        self._stop = stop
        self._member: Membership | None = None

    def run(self) -> None:
        """Waits out what the log refuses; what was not said is said when it takes it again."""
        wait_seconds = 0.0
        try:
            while not self._stop.is_set():
                wait_seconds = 0.0 if self._try(wait_seconds) else IDLE_SECONDS
            self._finish()
        finally:
            self._leave()

    def _try(self, wait_seconds: float) -> bool:
        try:
            worked = self._work(wait_seconds)
        except Fenced as exc:
            # What is in memory may be stale: others have read on.
            logger.warning("claims were taken away", group=self._group, reason=str(exc))
            self.parts = {}
            return True
        except (LogError, ConfigError) as exc:
            self._tell(exc)
            self._stop.wait(RETRY_SECONDS)
            return True
        self.not_ready = ""
        return worked

    def _work(self, wait_seconds: float) -> bool:
        self._follow(self._joined())
        if not self.parts:
            self._stop.wait(wait_seconds)
            return False
        each = wait_seconds / len(self.parts)
        worked = [part.step(each) for part in self.parts.values()]
        return any(worked)

    def _joined(self) -> Membership:
        if self._member is None:
            self._member = self._log.join(self._group, self._topic, wait_seconds=RETRY_SECONDS)
        return self._member

    def _follow(self, member: Membership) -> None:
        try:
            claims = member.claims()
        except Fenced:
            self._leave()
            raise
        if claims == tuple(self.parts):
            return
        kept = self.parts
        self.parts = {claim: kept[claim] for claim in claims if claim in kept}
        for claim in claims:
            if claim not in self.parts:
                part = self._hire(member, claim.partition)
                part.resume()
                self.parts = {**self.parts, claim: part}
        self.parts = {claim: self.parts[claim] for claim in claims}
        partitions = [claim.partition for claim in claims]
        logger.info("partitions claimed", group=self._group, partitions=partitions)

    def _tell(self, exc: Exception) -> None:
        if self.not_ready != str(exc):
            told = "waiting for another process" if isinstance(exc, GroupBusy) else "log refused"
            logger.warning(f"{told}, trying again", group=self._group, reason=str(exc))
        self.not_ready = str(exc)

    def _finish(self) -> None:
        try:
            for part in self.parts.values():
                part.finish()
        except LogError as exc:
            logger.warning("not all was committed; it is done again", reason=str(exc))

    def _leave(self) -> None:
        self.parts = {}
        member, self._member = self._member, None
        if member is not None:
            member.leave()
