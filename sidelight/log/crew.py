"""The workers of one group in this process: one a claim, for as long as the claim lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

import structlog

from sidelight.errors import Fenced
from sidelight.log.contract import Claim, Log, Membership
from sidelight.log.watchdog import Watchdog


class Worker(Protocol):
    """What works at one claim, in bounded pieces."""

    @property
    def position(self) -> int | None:
        """The next record to read, None while that is not known."""
        ...


W = TypeVar("W", bound=Worker)
R = TypeVar("R")

logger = structlog.get_logger("sidelight.log")


class Crew(Generic[W]):
    """Hires for a new claim, forgets who lost it: both only in `follow`, between pieces of work.

    `workers` may be read from any thread. `changes` counts how often the claims have changed,
    `fences` how often a commit was refused because they had.
    """

    def __init__(
        self, group: str, watchdog: Watchdog, hire: Callable[[Membership, int], W]
    ) -> None:
        self.group = group
        self.topic = watchdog.topic
        self.watchdog = watchdog
        self.changes = 0
        self.fences = 0
        self._hire = hire
        self._member: Membership | None = None
        self._claims: tuple[Claim, ...] = ()
        self._at_work: Mapping[Claim, W] = {}

    @property
    def workers(self) -> tuple[W, ...]:
        return tuple(self._at_work.values())

    @property
    def partitions(self) -> tuple[int, ...]:
        """Those that are worked at here."""
        return tuple(claim.partition for claim in self._at_work)

    def join(self, log: Log, wait_seconds: float) -> None:
        """Join the group, once. Raises `GroupBusy` when it is not shared and has a consumer."""
        if self._member is None:
            self._member = log.join(self.group, self.topic, wait_seconds=wait_seconds)

    def follow(self) -> None:
        """Ask what is claimed. Raises `Fenced` when this consumer was replaced for good."""
        member, kept = self._member, self._at_work
        claims = member.claims() if member else ()
        if member is None or claims == tuple(kept):
            return
        if claims != self._claims:
            self.changes += 1
            partitions = [claim.partition for claim in claims]
            logger.info("partitions claimed", group=self.group, partitions=partitions)
        self._claims = claims
        # Replaced, never changed: other threads look at it.
        self._at_work = {
            claim: kept[claim] if claim in kept else self._hire(member, claim.partition)
            for claim in claims
        }

    def each(self, work: Callable[[W], R]) -> Iterator[R]:
        """A piece of work of every worker, until a commit is refused.

        Then what is in memory may be stale, so everybody is forgotten; the next `follow` hires anew
        and goes on from what is committed.
        """
        for worker in self.workers:
            try:
                done = work(worker)
            except Fenced as exc:
                self._fenced(exc)
                return
            yield done

    def together(self, work: Callable[[Membership, tuple[W, ...]], list[R]]) -> list[R]:
        """A piece of work of all workers at once; a commit that is refused ends it as in `each`."""
        if self._member is None:
            return []
        try:
            return work(self._member, self.workers)
        except Fenced as exc:
            self._fenced(exc)
            return []

    def watch(self) -> None:
        """Leave the group when a reader stands still, so that a new consumer joins instead."""
        stalled = self.watchdog.look(
            {c.partition: one.position for c, one in self._at_work.items()}
        )
        if stalled:
            logger.error(
                "partitions stand still though there is something to read, joining again",
                group=self.group,
                topic=self.topic,
                partitions=stalled,
            )
            self.leave()

    def _fenced(self, cause: Fenced) -> None:
        self.fences += 1
        self.forget()
        logger.warning("claims were taken away", group=self.group, reason=str(cause))

    def forget(self) -> None:
        """Drop what is in memory."""
        self._at_work = {}

    def leave(self) -> None:
        self.forget()
        member, self._member = self._member, None
        if member is not None:
            member.leave()
