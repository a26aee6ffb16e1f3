"""Says in the service's own log that traffic is not scored, and why, without flooding it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import structlog

from sidelight_detectors.streaming.run import Run

EVERY_SECONDS = 30.0
"""Between two complaints; what is not scored in between is counted in the next."""

logger = structlog.get_logger("sidelight.detectors")


class Complaints:
    """Hears of every run; the first bad one is told at once."""

    def __init__(self, models: list[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._models = models
        self._clock = clock
        self._told_at = -EVERY_SECONDS
        self._dead: Counter[str] = Counter()
        self._unknown = 0
        self._claims: Counter[str] = Counter()
        self._last: dict[str, str] = {}

    def hear(self, run: Run) -> None:
        self._dead.update(run.faults)
        self._unknown += run.outcomes["", "unknown-model"]
        for (_, reason), count in run.claims.items():
            self._claims[reason] += count
        if run.letters:
            letter = run.letters[-1]
            self._last = {"exchange": letter.origin, "message": letter.message}
        trouble = self._dead or self._unknown or self._claims
        if trouble and self._clock() >= self._told_at + EVERY_SECONDS:
            self._tell()

    def _tell(self) -> None:
        if self._dead:
            logger.warning("exchanges went to the dead letters", **self._dead, **self._last)
        if self._unknown:
            logger.warning(
                "exchanges of models that are not configured",
                exchanges=self._unknown,
                configured=self._models,
            )
        if self._claims:
            logger.warning(
                "exchanges say they are Sidelight's own and did not prove it: scored as traffic; "
                "see that all services share one probes.key_file, else somebody forges them",
                **self._claims,
            )
        self._told_at = self._clock()
        self._dead.clear()
        self._claims.clear()
        self._unknown = 0
