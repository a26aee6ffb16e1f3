"""The thread that works at some stations, one group after the other.

Scorers, deciders and other teams do not wait for it, whatever its stations wait for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.errors import Fenced, GroupBusy, LogError
from sidelight.log import Log, Membership
from sidelight.log.crew import Crew
from sidelight.log.topics import INFERENCE
from sidelight.log.watchdog import Watchdog
from sidelight_detectors.results.findings import Alarm, Output
from sidelight_detectors.stations.contract import Station
from sidelight_detectors.stations.worker import StationWorker
from sidelight_detectors.streaming.cutter import Clock

IDLE_SECONDS = 0.1
"""How long all empty partitions are waited on together before signals have their turn."""

RETRY_SECONDS = 1.0
"""Pause after the log could not do what was asked."""

logger = structlog.get_logger("sidelight.detectors")


class Team:
    """`run` works until `stop` is set; `pairs` may be read from any thread."""

    def __init__(
        self,
        name: str,
        log: Log,
        stations: Sequence[Station],
        settings: DetectorsSettings,
        stop: threading.Event,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._log = log
        self._stop = stop
        self._clock = clock or Clock()
        self._refused = ""
        seconds = settings.stalled_seconds
        self.pairs = tuple(
            (
                one,
                Crew(
                    one.group,
                    Watchdog(log, INFERENCE, seconds=seconds, clock=self._clock.monotonic),
                    partial(self._worker, one),
                ),
            )
            for one in stations
        )
        self._crews = [crew for _, crew in self.pairs]

    def run(self) -> None:
        """Raises `Fenced` when another process took over; waits out what else the log refuses."""
        try:
            while not self._stop.is_set():
                self._each(self._step)
            self._each(self._close)
        finally:
            for crew in self._crews:
                crew.leave()

    def _each(self, work: Callable[[Crew[StationWorker]], None]) -> None:
        for crew in self._crews:
            try:
                work(crew)
            except Fenced:
                raise
            except LogError as exc:
                # Nothing is half done: the next try goes on from what was committed.
                crew.forget()
                self._tell_refusal(str(exc))
                self._stop.wait(RETRY_SECONDS)

    def _step(self, crew: Crew[StationWorker]) -> None:
        try:
            crew.join(self._log, 0.0)
        except GroupBusy as exc:
            self._tell_refusal(str(exc))
            self._stop.wait(RETRY_SECONDS)
            return
        crew.follow()
        wait = IDLE_SECONDS / max(len(self._crews) * len(crew.partitions), 1)
        for outputs in crew.each(lambda worker: worker.step(wait)):
            _tell(outputs)
        if all(worker.rests for worker in crew.workers):
            self._stop.wait(wait)
        crew.watch()

    def _worker(self, at: Station, member: Membership, partition: int) -> StationWorker:
        return StationWorker(self._log, member, partition, at, self._clock)

    def _close(self, crew: Crew[StationWorker]) -> None:
        for _ in crew.each(StationWorker.close):
            pass

    def _tell_refusal(self, error: str) -> None:
        if error != self._refused:
            logger.error("detectors wait for the log, trying again", team=self.name, reason=error)
            self._refused = error


def _tell(outputs: Sequence[Output]) -> None:
    for output in outputs:
        if isinstance(output, Alarm):
            logger.warning(
                f"{output.detector} alarm {output.change}",
                model=output.about.model,
                reason=output.reason,
                columns=[suspect.column for suspect in output.suspects],
            )
