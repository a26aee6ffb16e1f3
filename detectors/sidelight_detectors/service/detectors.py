"""The service: a scorer for each claim on `inference`, deciders for each on `panes`, one loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import structlog

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.errors import Fenced, GroupBusy, LogError
from sidelight.log import Log, Membership
from sidelight.log.crew import Crew
from sidelight.log.topics import INFERENCE, PANES
from sidelight.log.watchdog import Watchdog
from sidelight_detectors.results.findings import Alarm, Output
from sidelight_detectors.service.complaints import Complaints
from sidelight_detectors.service.health import Readiness
from sidelight_detectors.service.metrics import ScorerMetrics
from sidelight_detectors.streaming import deciding, rounds, scorer
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.deciding import Archive, DecidingPartition
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.run import Run
from sidelight_detectors.streaming.scorer import PartitionScorer

IDLE_SECONDS = 0.1
"""How long an empty log is waited on before deciders and signals have their turn."""

DECIDE_SECONDS = 0.2
"""Between two turns of the deciders while scorers are busy: they fold many panes as fast as one,
and on a log far away every look costs its way there and back."""

RETRY_SECONDS = 1.0
"""Pause after the log could not do what was asked."""

TELL_AGAIN_SECONDS = 10.0
"""How long the same refusal of the log, tried again, is not told again."""

logger = structlog.get_logger("sidelight.detectors")


class Detectors:
    """`run` works until `stop` is set.

    `scorers`, `deciders` and `readiness` may be read from any thread.
    """

    def __init__(
        self,
        log: Log,
        plans: Mapping[str, Plan],
        settings: DetectorsSettings,
        metrics: ScorerMetrics,
        stop: threading.Event,
        clock: Clock | None = None,
        archive: Archive | None = None,
    ) -> None:
        self._clock = clock or Clock()
        guard = partial(
            Watchdog, log, seconds=settings.stalled_seconds, clock=self._clock.monotonic
        )
        self.scorers = Crew(scorer.GROUP, guard(INFERENCE), self._scorer)
        self.deciders = Crew(deciding.GROUP, guard(PANES), self._decider)
        self._log = log
        self._plans = plans
        self._archive = archive
        self._settings = settings
        self._metrics = metrics
        self._complaints = Complaints([plan.name_in_exchanges for plan in plans.values()])
        self._stop = stop
        self._waits_for = "starting"
        self._refused = ""
        self._silent_until = 0.0
        self._wait_seconds = 0.0
        self._decide_at = 0.0

    @property
    def readiness(self) -> Readiness:
        """Ready also without a claim: then others have them all, and this process stands by."""
        if self._waits_for:
            return Readiness(False, self._waits_for)
        crews = [crew for crew in (self.scorers, self.deciders) if crew.partitions]
        if not crews:
            return Readiness(True, "stands by: other processes read every partition")
        told = (f"{crew.topic} {', '.join(map(str, crew.partitions))}" for crew in crews)
        return Readiness(True, f"reads {'; '.join(told)}")

    def run(self) -> None:
        """Raises `Fenced` when another process took over; waits out what else the log refuses."""
        try:
            while not self._stop.is_set():
                self._try(self.step)
            self._try(self.close)
        finally:
            self.scorers.leave()
            self.deciders.leave()

    def step(self) -> None:
        """One round: follow the claims, then a piece of work at each."""
        if not self._join():
            return
        self.scorers.follow()
        self.deciders.follow()
        runs = self._observe(
            self.scorers.together(partial(rounds.poll, self._log, wait_seconds=self._wait_seconds))
        )
        if not runs or self._clock.monotonic() >= self._decide_at:
            self._tell(self.deciders.each(DecidingPartition.step))
            self._decide_at = self._clock.monotonic() + DECIDE_SECONDS
        here = len(self.scorers.partitions)
        self._wait_seconds = 0.0 if runs else IDLE_SECONDS / max(here, 1)
        if not here:
            self._stop.wait(self._wait_seconds)
        self.scorers.watch()
        self.deciders.watch()
        self._waits_for = ""  # not before: a log that is away may refuse only after seconds

    def close(self) -> None:
        """Say what was taken in so far."""
        self._observe(self.scorers.together(partial(rounds.close, self._log)))
        self._tell(self.deciders.each(DecidingPartition.close))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Fenced:
            raise
        except LogError as exc:
            # Nothing is half done: the next try goes on from what was committed.
            self.scorers.forget()
            self.deciders.forget()
            self._waits_for = str(exc)
            self._tell_refusal(str(exc))
            self._stop.wait(RETRY_SECONDS)

    def _tell_refusal(self, error: str) -> None:
        now = self._clock.monotonic()
        if error != self._refused or now >= self._silent_until:
            logger.error("log refused, trying again", error=error)
            self._refused, self._silent_until = error, now + TELL_AGAIN_SECONDS

    def _join(self) -> bool:
        """Whether we are in both groups; one that is not shared may have a living consumer."""
        try:
            self.scorers.join(self._log, RETRY_SECONDS)
            self.deciders.join(self._log, RETRY_SECONDS)
        except GroupBusy as exc:
            if self._waits_for != str(exc):
                logger.warning("waiting for another process", reason=str(exc))
            self._waits_for = str(exc)
            return False
        return True

    def _scorer(self, member: Membership, partition: int) -> PartitionScorer:
        return PartitionScorer(
            self._log, member, partition, self._plans, self._settings, self._clock
        )

    def _decider(self, member: Membership, partition: int) -> DecidingPartition:
        plans = list(self._plans.values())
        return DecidingPartition(self._log, member, partition, plans, self._clock, self._archive)

    def _observe(self, runs: Sequence[Run]) -> int:
        """How many runs were said."""
        for run in runs:
            self._metrics.observe(run)
            self._complaints.hear(run)
        return len(runs)

    def _tell(self, told: Iterable[list[Output]]) -> None:
        for outputs in told:
            for output in outputs:
                if isinstance(output, Alarm):
                    _tell(output)


def _tell(alarm: Alarm) -> None:
    logger.warning(
        f"{alarm.detector} alarm {alarm.change}",
        model=alarm.about.model,
        version=alarm.about.version,
        reason=alarm.reason,
        columns=list(dict.fromkeys(suspect.column for suspect in alarm.suspects)),
    )
