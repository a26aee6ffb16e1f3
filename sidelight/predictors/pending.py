"""A question on its way: to be waited for, or to be left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, wait

from sidelight.predictors.identity import Key, pattern
from sidelight.predictors.sizes import bytes_of
from sidelight.tensors import Columns

SLOW_SECONDS = 0.5
"""For so long the next questions wait for a call, to travel together."""


class Pending:
    """One caller's question on its way. `calls` are those that have carried a part of it."""

    def __init__(
        self,
        rows: Columns,
        keys: Sequence[Key],
        leave: Callable[[Pending], None],
        hurry: Callable[[], None],
    ) -> None:
        self.rows = rows
        self.keys = keys
        self.pattern: Hashable = pattern(rows)
        self.size = bytes_of(rows)
        self.told: Future[Columns] = Future()
        self.calls = 0
        self._leave = leave
        self._hurry = hurry

    def is_done(self, seconds: float) -> bool:
        """Wait so long at most; has an answer or a failure come?"""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if wait([self.told], min(left, SLOW_SECONDS)).done:
                return True
            self._hurry()
        return self.told.done()

    def answer(self) -> Columns:
        """One answer a row; waits for it. Raises what the predictor raised."""
        self.is_done(math.inf)
        return self.told.result()

    def leave(self) -> None:
        """Want no answer any more; a call that nobody wants is taken back."""
        if self.told.cancel():
            self._leave(self)
