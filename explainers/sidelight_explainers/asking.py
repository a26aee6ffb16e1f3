"""One explanation's questions: within its budget and its deadline, each different row once.

The wait is bounded here, not by the predictor: past the deadline, or when whoever asked has left,
the call is abandoned, and taken back unless others share it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Protocol
from uuid import uuid4

from sidelight.errors import PredictorError, PredictorTimeout, SidelightError
from sidelight.predictors.answers import Answers
from sidelight.predictors.caching import version_of
from sidelight.predictors.identity import Key, row_keys
from sidelight.predictors.pending import Pending
from sidelight.predictors.sharing import SharedPredictor
from sidelight.tensors import Columns
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.quality import Quality, Stopped

LOOK_SECONDS = 0.02
"""How often a wait looks whether anybody still waits for the explanation."""
CALL_ROWS = 64
"""A call costs about as much as so many rows beside its own, so that the first short one does not
make a long one look unaffordable."""


class OutOfTime(PredictorTimeout):
    """The deadline of the explanation passed before the predictor answered."""


class Cancelled(SidelightError):
    """Nobody waits for this explanation any longer."""


class ModelChanged(PredictorError):
    """Another version of the model answered than before."""


class Watcher(Protocol):
    """Who waits for an explanation: hears of partial ones, and may leave."""

    def show(self, partial: Explanation) -> None: ...

    def gone(self) -> bool:
        """Has whoever waited left? Called often, so cheap."""
        ...


class _Unwatched:
    def show(self, partial: Explanation) -> None:
        """Nobody looks."""

    def gone(self) -> bool:
        return False


unwatched: Watcher = _Unwatched()


class Asking:
    """An `Inquiry` to one predictor.

    The first row of the first question, which is the explained one, is asked in any case, even
    where the cache or another row of the question would tell: a predictor that does not answer it
    twice alike then shows in the additivity gap.
    """

    def __init__(
        self, predictor: SharedPredictor, budget: int, seconds: float, watcher: Watcher = unwatched
    ) -> None:
        self._predictor = predictor
        self._budget = budget
        self._seconds = seconds
        self._watcher = watcher
        self._look = float("inf") if watcher is unwatched else LOOK_SECONDS
        self._started = time.monotonic()
        self._deadline = self._started + seconds
        self._answers = Answers()
        self._cached = 0
        self._calls = 0
        self._waited_seconds = 0.0
        self._waited_rows = 0
        self._versions: set[str] = set()
        self._most_versions: float = 1

    def anew(self) -> Asking:
        """The same from the beginning, after `ModelChanged`, in the time that is left.

        Where versions answer in turns there is no end to that: now they are only told.
        """
        again = Asking(self._predictor, self._budget, self._seconds, self._watcher)
        again._started, again._deadline, again._calls = self._started, self._deadline, self._calls
        again._most_versions = math.inf
        return again

    def ask(self, rows: Columns) -> Columns:
        self.check()
        keys = row_keys(rows)
        if not len(self._answers) and keys:
            keys[0] = uuid4().bytes
        new = self._answers.missing(keys)
        if new:
            self._learn(rows if len(new) == len(rows) else rows.take(new), [keys[at] for at in new])
        return self._answers.of(keys)

    def check(self) -> None:
        if self._watcher.gone():
            raise Cancelled("the explanation was cancelled")
        if time.monotonic() >= self._deadline:
            raise OutOfTime(f"no answer of the predictor within {self._seconds:g} s, the deadline")

    def affords(self, rows: int) -> bool:
        a_row = self._waited_seconds / max(self._waited_rows, 1)
        return rows <= self.left and time.monotonic() + a_row * (rows + CALL_ROWS) < self._deadline

    @property
    def left(self) -> int:
        return self._budget - len(self._answers)

    def show(self, partial: Explanation) -> None:
        self._watcher.show(partial)

    def quality(self, stopped: Stopped) -> Quality:
        seconds = time.monotonic() - self._started
        rows = len(self._answers)
        versions = tuple(sorted(self._versions)) if len(self._versions) > 1 else ()
        return Quality(rows, self._cached, self._calls, seconds, self._budget, stopped, versions)

    def _learn(self, rows: Columns, keys: Sequence[Key]) -> None:
        started = time.monotonic()
        told = self._predictor.tell(rows, keys, self._wait)
        for known, answers in told.blocks:
            self._answers.add(known, answers)
            self._versions.add(version_of(answers))
        self._cached += told.cached
        self._calls += told.calls
        if len(self._versions) > self._most_versions:
            raise ModelChanged(f"versions {sorted(self._versions)} of the model have answered")
        if told.calls:
            self._waited_seconds += time.monotonic() - started
            self._waited_rows += len(keys) - told.cached + CALL_ROWS

    def _wait(self, pending: Pending) -> Columns:
        try:
            while not pending.is_done(min(self._look, self._deadline - time.monotonic())):
                self.check()
            return pending.answer()
        finally:
            pending.leave()
