"""The service: one scorer a partition and one decider a model, in one loop."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import structlog

from sidelight.config.settings import DetectorsSettings
from sidelight.errors import Fenced, GroupBusy, LogError
from sidelight.log import Log, Membership
from sidelight.log.topics import INFERENCE, PANES
from sidelight_detectors.results.findings import Alarm
from sidelight_detectors.service.complaints import Complaints
from sidelight_detectors.service.metrics import ScorerMetrics
from sidelight_detectors.streaming.cutter import Clock
from sidelight_detectors.streaming.deciding import DecidingModel, group_of
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.run import Run
from sidelight_detectors.streaming.scorer import GROUP, PartitionScorer

IDLE_SECONDS = 0.1
"""How long an empty log is waited on before deciders and signals have their turn."""

RETRY_SECONDS = 1.0
"""Pause after the log could not do what was asked."""

logger = structlog.get_logger("sidelight.detectors")


class Detectors:
    """`run` works until `stop` is set. `not_ready` says what it waits for, "" when for nothing.

    `scorers` and `deciders` are those at work; metrics read them.
    """

    def __init__(
        self,
        log: Log,
        plans: Mapping[str, Plan],
        settings: DetectorsSettings,
        metrics: ScorerMetrics,
        stop: threading.Event,
    ) -> None:
        self.scorers: list[PartitionScorer] = []
        self.deciders: list[DecidingModel] = []
        self.not_ready = "starting"
        self._log = log
        self._plans = plans
        self._settings = settings
        self._metrics = metrics
        self._complaints = Complaints([plan.name_in_exchanges for plan in plans.values()])
        self._stop = stop
        self._members: dict[str, Membership] = {}

    def run(self) -> None:
        """Raises `Fenced` when another process took over; waits out what else the log refuses."""
        try:
            while not self._stop.is_set():
                self._try_to_work()
        finally:
            for member in self._members.values():
                member.leave()

    def _try_to_work(self) -> None:
        try:
            if self._join():
                self._resume()
                self._work()
        except Fenced:
            raise
        except LogError as exc:
            # Nothing is half done: the next try goes on from what was committed.
            self.not_ready = str(exc)
            logger.error("log refused, trying again", error=str(exc))
            self._stop.wait(RETRY_SECONDS)

    def _join(self) -> bool:
        """Whether we are the consumer of every group; else a living process still is."""
        reads = {GROUP: INFERENCE} | dict.fromkeys(map(group_of, self._plans), PANES)
        for group, topic in reads.items():
            if group in self._members:
                continue
            try:
                self._members[group] = self._log.join(group, topic, wait_seconds=RETRY_SECONDS)
            except GroupBusy as exc:
                if self.not_ready != str(exc):
                    logger.warning("waiting for another process", reason=str(exc))
                self.not_ready = str(exc)
                return False
        return True

    def _resume(self) -> None:
        member = self._members[GROUP]
        self.scorers[:] = [
            PartitionScorer(
                self._log, member, claim.partition, self._plans, self._settings, Clock()
            )
            for claim in member.claims()
        ]
        self.deciders[:] = [
            DecidingModel(self._log, self._members[group_of(name)], plan)
            for name, plan in self._plans.items()
        ]
        for scorer in self.scorers:
            self._observe(scorer.resume())
        for decider in self.deciders:
            decider.resume()
        self.not_ready = ""
        logger.info("detectors at work", models=list(self._plans), partitions=len(self.scorers))

    def _work(self) -> None:
        wait_seconds = 0.0
        while not self._stop.is_set():
            runs = [self._observe(scorer.poll(wait_seconds)) for scorer in self.scorers]
            self._decide()
            wait_seconds = 0.0 if any(runs) else IDLE_SECONDS / len(self.scorers)
        for scorer in self.scorers:
            self._observe(scorer.close())
        self._decide()

    def _observe(self, run: Run | None) -> Run | None:
        if run is not None:
            self._metrics.observe(run)
            self._complaints.hear(run)
        return run

    def _decide(self) -> None:
        for decider in self.deciders:
            for output in decider.step():
                if isinstance(output, Alarm):
                    _tell(output)


def _tell(alarm: Alarm) -> None:
    drifted = alarm.result.drifted if alarm.result else ()
    logger.warning(
        f"drift alarm {alarm.change}",
        model=alarm.about.model,
        version=alarm.about.version,
        reason=alarm.reason,
        window=alarm.result.finding.window if alarm.result else None,
        columns={column.column: round(column.effect, 4) for column in drifted},
    )
