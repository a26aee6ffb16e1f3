"""Drives scorers and deciders over a log, with crashes where a test wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log import Address, Claim, Log, Membership, Position, Record, Span, Stored
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE, PANES
from sidelight_detectors.results.findings import Output
from sidelight_detectors.streaming import deciding, rounds
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.deciding import DecidingPartition
from sidelight_detectors.streaming.outbox import read_on
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.run import Run
from sidelight_detectors.streaming.scorer import GROUP, PartitionScorer

STILL = Clock(monotonic=lambda: 0.0, time_ns=lambda: 0)
"""Time stands: runs end by rows and bytes, or when closed."""


def ticking(seconds: float) -> Clock:
    """Time goes on by so much whenever somebody looks."""
    ticks = count()
    return Clock(monotonic=lambda: next(ticks) * seconds, time_ns=lambda: 0)


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Fuse:
    """Blows at the given step: `before` or after the step has its effect."""

    steps: int = -1
    before: bool = True

    def burn(self) -> None:
        self.steps -= 1
        if self.steps == 0 and self.before:
            raise Crash

    def burnt(self) -> None:
        if self.steps == 0:
            raise Crash


@dataclass
class CrashingLog:
    """A log whose appends and commits crash when the fuse blows; `die` frees what was held."""

    log: Log
    fuse: Fuse
    members: list[Membership] = field(default_factory=list)

    @property
    def log_id(self) -> str:
        return self.log.log_id

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        self.fuse.burn()
        addresses = self.log.append(topic, records, partition=partition)
        self.fuse.burnt()
        return addresses

    def read(self, topic: str, partition: int, offset: int, **limits: Any) -> list[Stored]:
        return self.log.read(topic, partition, offset, **limits)

    def get(self, address: Address) -> Stored:
        return self.log.get(address)

    def partitions(self, topic: str) -> int:
        return self.log.partitions(topic)

    def span(self, topic: str, partition: int) -> Span:
        return self.log.span(topic, partition)

    def offset_at(self, topic: str, partition: int, time_ns: int) -> int:
        return self.log.offset_at(topic, partition, time_ns)

    def join(self, group: str, topic: str, *, wait_seconds: float = 0.0) -> CrashingMember:
        member = self.log.join(group, topic, wait_seconds=wait_seconds)
        self.members.append(member)
        return CrashingMember(member, self.fuse)

    def close(self) -> None:
        self.die()

    def die(self) -> None:
        for member in self.members:
            member.leave()


@dataclass
class CrashingMember:
    member: Membership
    fuse: Fuse

    def claims(self) -> tuple[Claim, ...]:
        return self.member.claims()

    def committed(self, partition: int) -> Position | None:
        return self.member.committed(partition)

    def commit(self, positions: Mapping[int, Position]) -> None:
        self.fuse.burn()
        self.member.commit(positions)
        self.fuse.burnt()

    def leave(self) -> None:
        self.member.leave()


@dataclass(frozen=True)
class Alone:
    """A scorer in rounds of its own."""

    log: Log
    member: Membership
    scorer: PartitionScorer

    def poll(self) -> Run | None:
        return next(iter(rounds.poll(self.log, self.member, [self.scorer])), None)

    def close(self) -> Run | None:
        return next(iter(rounds.close(self.log, self.member, [self.scorer])), None)


def watch(
    log: Log,
    plans: Sequence[Plan],
    service: DetectorsSettings,
    crashes: Sequence[Fuse] = (),
    clock: Clock = STILL,
) -> None:
    """Score and decide all there is, started again after each crash."""
    for fuse in (*crashes, Fuse()):
        crashing = CrashingLog(log, fuse)
        try:
            _work(crashing, plans, service, clock)
        except Crash:
            continue
        finally:
            crashing.die()


def _work(
    log: CrashingLog, plans: Sequence[Plan], service: DetectorsSettings, clock: Clock
) -> None:
    by_name = {plan.model: plan for plan in plans}
    scoring = log.join(GROUP, INFERENCE)
    scorers = [
        PartitionScorer(log, scoring, claim.partition, by_name, service, clock)
        for claim in scoring.claims()
    ]
    member = log.join(deciding.GROUP, PANES)
    deciders = [
        DecidingPartition(log, member, claim.partition, plans, ticking(0.3))
        for claim in member.claims()
    ]
    while any(scorer.position is None for scorer in scorers):
        rounds.poll(log, scoring, scorers)
    while rounds.poll(log, scoring, scorers) or _unread(log, scorers):
        for decider in deciders:
            decider.step()
    for decider in deciders:
        decider.step()
    rounds.close(log, scoring, scorers)
    for decider in deciders:
        decided(decider)


def _unread(log: CrashingLog, scorers: Sequence[PartitionScorer]) -> bool:
    """Whether there is more: what is read at once need not make a run."""
    ends = (log.span(INFERENCE, scorer.partition).end for scorer in scorers)
    return any((one.position or 0) < end for one, end in zip(scorers, ends, strict=True))


def decided(decider: DecidingPartition) -> list[Output]:
    """What it says of all the panes there are."""
    said: list[Output] = []
    while (decider.position is None and decider.deciders) or decider.lag:
        said += decider.step()
    return said + decider.close()


def records_of(log: MemoryLog, topic: str) -> list[Record]:
    """All records of a topic, partition after partition."""
    return [
        stored.record
        for partition in range(log.partitions(topic))
        for stored in read_on(log, topic, partition, 0)
    ]


def panes_of(log: MemoryLog) -> list[Pane]:
    return [Pane.from_record(record) for record in records_of(log, PANES)]


def replayed(log: MemoryLog, plan: Plan) -> list[Output]:
    """What a decider says that folds all panes from the first."""
    decider = Decider(plan, log.partitions(INFERENCE))
    panes = (pane for pane in panes_of(log) if pane.model == plan.model)
    return [output for pane in panes for output in decider.accept(pane)]
