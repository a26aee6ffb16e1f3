"""One explanation's questions: within its budget and its deadline, each different row once."""

from __future__ import annotations

import time
from typing import Protocol

from sidelight.errors import PredictorTimeout, SidelightError
from sidelight.predictors.contract import Predictor
from sidelight.predictors.spending import spending
from sidelight.tensors import Columns
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.quality import Quality, Stopped


class OutOfTime(PredictorTimeout):
    """The deadline of the explanation passed before the predictor answered."""


class Cancelled(SidelightError):
    """Nobody waits for this explanation any longer."""


class Watcher(Protocol):
    """Who waits for an explanation: hears of partial ones, and may leave."""

    def show(self, partial: Explanation) -> None: ...

    def gone(self) -> bool:
        """Has whoever waited left?"""
        ...


class _Unwatched:
    def show(self, partial: Explanation) -> None:
        """Nobody looks."""

    def gone(self) -> bool:
        return False


unwatched: Watcher = _Unwatched()


class Asking:
    """An `Inquiry` to one predictor."""

    def __init__(
        self, predictor: Predictor, budget: int, seconds: float, watcher: Watcher = unwatched
    ) -> None:
        self._predictor = predictor
        self._budget = budget
        self._watcher = watcher
        self._started = time.monotonic()
        self._deadline = self._started + seconds
        self._rows = 0
        self._calls = 0
        self._seconds_a_row = 0.0

    def ask(self, rows: Columns) -> Columns:
        if self._watcher.gone():
            raise Cancelled("the explanation was cancelled")
        if time.monotonic() >= self._deadline:
            raise OutOfTime("the deadline of the explanation has passed")
        started = time.monotonic()
        with spending() as spent:
            answer = self._predictor(rows)
        self._rows += spent.rows
        self._calls += spent.calls
        self._seconds_a_row = (time.monotonic() - started) / max(len(rows), 1)
        return answer

    def affords(self, rows: int) -> bool:
        ends = time.monotonic() + rows * self._seconds_a_row
        return rows <= self.left and ends < self._deadline

    @property
    def left(self) -> int:
        return self._budget - self._rows

    def show(self, partial: Explanation) -> None:
        self._watcher.show(partial)

    def quality(self, stopped: Stopped) -> Quality:
        seconds = time.monotonic() - self._started
        return Quality(self._rows, 0, self._calls, seconds, self._budget, stopped)
