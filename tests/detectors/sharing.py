"""A world of several detectors on one shared log: they crash, freeze, are expelled, come back.

All in one thread: when one process freezes in the middle of a step, the others go on inside of its
call to the log, so every interleaving of calls can happen and each seed is one story.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log import Address, Claim, Position, Record, Span, Stored
from sidelight.log.testing import SharingLog, SharingMembership
from sidelight.log.topics import INFERENCE, PANES
from sidelight_detectors.service.detectors import Detectors
from sidelight_detectors.service.metrics import ScorerMetrics
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.traffic import SECOND, START_NS
from tests.detectors.watching import Crash


@dataclass(frozen=True)
class Trouble:
    """Chances at each call to the log that changes something, and of unrest in the groups."""

    crash: float = 0.0
    freeze: float = 0.0
    unrest: float = 0.0


PEACE = Trouble()


@dataclass
class World:
    """`processes` run the service on one log; time goes on a little whenever one looks."""

    log: SharingLog
    plans: Sequence[Plan]
    service: DetectorsSettings
    trouble: Trouble = PEACE
    processes: list[Process] = field(default_factory=list)
    seconds: float = 0.0
    depth: int = 0

    @property
    def chance(self) -> random.Random:
        return self.log.chance

    @property
    def clock(self) -> Clock:
        """Far ahead of all event times, as when history is replayed."""
        return Clock(self._tick, lambda: START_NS + round((1e6 + self.seconds) * SECOND))

    def start(self) -> None:
        self.processes.append(Process(self))

    def step(self, asleep: Process | None = None) -> None:
        """One process does one round of its work."""
        awake = [one for one in self.processes if one is not asleep]
        if awake:
            self.chance.choice(awake).step()

    def work(self, steps: int, most: int) -> None:
        """Up to `most` processes that come and go, for so many rounds."""
        self.log.unrest = self.trouble.unrest
        for _ in range(steps):
            if len(self.processes) < most and self.chance.random() < 0.2:
                self.start()
            if len(self.processes) > 1 and self.chance.random() < 0.02:
                self.chance.choice(self.processes).leave()
            self.step()

    def finish(self) -> None:
        """Peace, until all is scored and decided and every window has closed."""
        self.trouble, self.log.unrest = PEACE, 0.0
        if not self.processes:
            self.start()
        while not self._is_drained():
            self.step()
        for _ in range(10 * len(self.processes)):
            self.seconds += 61
            self.step()
        while not self._is_drained():
            self.step()
        for one in list(self.processes):
            one.leave()

    def disturb(self, process: Process) -> None:
        """Something may happen to a process while it calls the log."""
        fate = self.chance.random()
        if fate < self.trouble.crash:
            raise Crash
        if fate < self.trouble.crash + self.trouble.freeze and self.depth < 3:
            self._freeze(process)

    def _freeze(self, process: Process) -> None:
        self.depth += 1
        if self.chance.random() < 0.8:
            process.expel()
        for _ in range(self.chance.randrange(1, 25)):
            self.step(asleep=process)
        self.depth -= 1

    def _is_drained(self) -> bool:
        return all(
            self.committed(group, topic, number) >= self.log.span(topic, number).end
            for group, topic in (("scorer", INFERENCE), ("decider", PANES))
            for number in range(self.log.partitions(topic))
            if topic == INFERENCE or self.log.span(topic, number).end
        )

    def committed(self, group: str, topic: str, partition: int) -> int:
        position = self.log._positions.get((group, topic, partition))
        return position.offset if position else 0

    def _tick(self) -> float:
        self.seconds += 0.01
        return self.seconds


class Impatient(threading.Event):
    """Waits for nothing: there is nobody else who could do anything meanwhile."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


class Process:
    """One `sidelight detectors`, and its end."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shelf = Disturbed(world.log, self)
        self.busy = False
        self.detectors = Detectors(
            self.shelf,
            {plan.model: plan for plan in world.plans},
            world.service,
            ScorerMetrics(CollectorRegistry(), []),
            Impatient(),
            world.clock,
        )

    def step(self) -> None:
        if self.busy:
            return
        self.busy = True
        try:
            self.detectors.step()
        except Crash:
            self.end()
        finally:
            self.busy = False

    def leave(self) -> None:
        """As at SIGTERM."""
        if self.busy:
            return
        self.busy = True
        with contextlib.suppress(Crash):
            self.detectors.close()
        self.end()

    def end(self) -> None:
        """It is gone; the groups notice."""
        if self in self.world.processes:
            self.world.processes.remove(self)
        self.expel()

    def expel(self) -> None:
        for member in self.shelf.members:
            self.world.log.expel(member)


class Disturbed:
    """The log as one process sees it."""

    def __init__(self, log: SharingLog, process: Process) -> None:
        self.log = log
        self.process = process
        self.members: list[SharingMembership] = []

    @property
    def log_id(self) -> str:
        return self.log.log_id

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        self.process.world.disturb(self.process)
        addresses = self.log.append(topic, records, partition=partition)
        self.process.world.disturb(self.process)
        return addresses

    def read(self, topic: str, partition: int, offset: int, **limits: Any) -> list[Stored]:
        few = {"max_records": min(limits.get("max_records", 1000), 20), "wait_seconds": 0.0}
        return self.log.read(topic, partition, offset, **few)

    def get(self, address: Address) -> Stored:
        return self.log.get(address)

    def partitions(self, topic: str) -> int:
        return self.log.partitions(topic)

    def span(self, topic: str, partition: int) -> Span:
        return self.log.span(topic, partition)

    def offset_at(self, topic: str, partition: int, time_ns: int) -> int:
        return self.log.offset_at(topic, partition, time_ns)

    def join(self, group: str, topic: str, *, wait_seconds: float = 0.0) -> DisturbedMember:
        member = self.log.join(group, topic)
        self.members.append(member)
        return DisturbedMember(member, self.process)

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class DisturbedMember:
    member: SharingMembership
    process: Process

    def claims(self) -> tuple[Claim, ...]:
        return self.member.claims()

    def committed(self, partition: int) -> Position | None:
        return self.member.committed(partition)

    def commit(self, positions: Mapping[int, Position]) -> None:
        self.process.world.disturb(self.process)
        self.member.commit(positions)
        self.process.world.disturb(self.process)

    def leave(self) -> None:
        self.member.leave()
