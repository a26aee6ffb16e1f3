"""Rows of many callers in few calls: what is asked while calls are under way travels together.

Nobody waits for company: a question goes at once when no call is under way. What comes meanwhile
is merged, and goes when that call comes back, as soon as it is large itself, or when the call takes
long: a connection that hangs holds nobody up. Only tables of one pattern (names, types, shapes) are
joined, so that no value changes; rows that several of them hold are sent once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from sidelight.errors import PredictorError, PredictorTimeout
from sidelight.predictors.contract import Predictor
from sidelight.predictors.identity import Key, first_places, row_keys
from sidelight.predictors.pending import SLOW_SECONDS, Pending
from sidelight.predictors.recalling import Recall, recalling
from sidelight.predictors.remote import UNREADABLE
from sidelight.predictors.sizes import MESSAGE_BYTES
from sidelight.predictors.spending import Spent, current, spending
from sidelight.tensors import Columns

LARGE_ROWS = 4096
"""A call of so many rows goes while others are under way: to prepare it beside them gains more than
to make it larger (MLServer answers 18 ms after 1,000 rows, 85 ms after 5,000)."""
PASSING = (0, 429, 502, 503, 504)
"""Failures of the server or of the way to it, which no single row has caused."""


@dataclass(eq=False)
class _Call:
    parts: list[Pending]
    begun: float
    recall: Recall = field(default_factory=Recall)
    spent: Spent = field(default_factory=Spent)


class Coalescing:
    """A `Predictor` whose callers share its calls.

    `max_batch_rows` are the rows of one call, unless a single question has more; `max_in_flight`
    the calls at one time. A call that is not back after `slow_seconds` holds the next ones up no
    longer. `sent` counts what really went to the predictor, each call once.
    """

    def __init__(
        self,
        predictor: Predictor,
        max_batch_rows: int = 8192,
        max_in_flight: int = 8,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        self._predictor = predictor
        self._max_batch_rows = max_batch_rows
        self._max_in_flight = max_in_flight
        self._slow_seconds = slow_seconds
        self._senders = ThreadPoolExecutor(max_in_flight, "sidelight-asking")
        self._lock = Lock()
        self._waiting: deque[Pending] = deque()
        self._calls: set[_Call] = set()
        self._closed = False
        self.sent = Spent()

    def __call__(self, rows: Columns) -> Columns:
        keys = row_keys(rows)
        pending = self.begin(rows, keys)
        try:
            return pending.answer()
        finally:
            pending.leave()
            current().add(len(rows), pending.calls)

    def begin(self, rows: Columns, keys: Sequence[Key]) -> Pending:
        """Ask without waiting; rows of equal keys are the same and are asked once."""
        pending = Pending(rows, keys, self._left, self._send_what_can_go)
        with self._lock:
            if self._closed:
                raise PredictorError("the predictor is closed")
            self._waiting.append(pending)
        self._send_what_can_go()
        return pending

    def ready(self) -> bool:
        return self._predictor.ready()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            calls, waiting = list(self._calls), list(self._waiting)
            self._waiting.clear()
        for one in waiting:
            _fail(one, PredictorError("the predictor was closed before it was asked"))
        for call in calls:
            call.recall.call_back()
        self._senders.shutdown()
        self._predictor.close()

    def _left(self, pending: Pending) -> None:
        with self._lock:
            if pending in self._waiting:
                self._waiting.remove(pending)
            unwanted = [
                call
                for call in self._calls
                if pending in call.parts and all(one.told.cancelled() for one in call.parts)
            ]
        for call in unwanted:
            call.recall.call_back()

    def _send_what_can_go(self) -> None:
        with self._lock:
            calls = []
            while parts := self._next():
                calls.append(_Call(parts, time.monotonic()))
                self._calls.add(calls[-1])
        self._send(calls)

    def _next(self) -> list[Pending]:
        """The oldest question and what can travel with it; nothing, if that must wait."""
        parts, large = self._fitting()
        slow = time.monotonic() - self._slow_seconds
        held_up = not large and any(call.begun > slow for call in self._calls)
        if held_up or len(self._calls) >= self._max_in_flight:
            return []
        for one in parts:
            self._waiting.remove(one)
        return parts

    def _fitting(self) -> tuple[list[Pending], bool]:
        """What would make the next call, and whether that is large or no more fits into it."""
        parts: list[Pending] = []
        rows = size = 0
        for one in self._waiting:
            if parts and one.pattern != parts[0].pattern:
                continue
            rows, size = rows + len(one.rows), size + one.size
            if parts and (rows > self._max_batch_rows or size > MESSAGE_BYTES):
                return parts, True
            parts.append(one)
        return parts, rows >= min(LARGE_ROWS, self._max_batch_rows) or size >= MESSAGE_BYTES

    def _send(self, calls: Sequence[_Call]) -> None:
        for call in calls:
            try:
                future = self._senders.submit(self._asked, call)
            except RuntimeError as exc:  # of an executor that is shut down
                self._refuse(call, PredictorError(f"the predictor is closed: {exc}"))
            else:
                future.add_done_callback(partial(self._come_back, call))

    def _asked(self, call: _Call) -> list[Columns]:
        rows, places = _merged(call.parts)
        with recalling(call.recall), spending() as call.spent:
            answers = self._predictor(rows)
        if len(answers) != len(rows):
            told = f"{len(answers)} rows in answer to {len(rows)}"
            raise PredictorError(told, status=UNREADABLE)
        return [answers.take(one) for one in places]

    def _come_back(self, call: _Call, future: Future[list[Columns]]) -> None:
        """Give the answers out; what one part may have spoiled for the others is asked in parts."""
        error = future.exception()
        alone = self._counted(call, error)
        if error is None:
            for part, answer in zip(call.parts, future.result(), strict=True):
                if part.told.set_running_or_notify_cancel():
                    part.told.set_result(answer)
        elif alone:
            self._send(alone)
        else:
            self._refuse(call, error)
        self._send_what_can_go()

    def _counted(self, call: _Call, error: BaseException | None) -> list[_Call]:
        """What the call has cost, noted; and the calls that are to be made in its place."""
        with self._lock:
            self._calls.discard(call)
            self.sent.add(call.spent.rows, call.spent.calls)
            for part in call.parts:
                part.calls += call.spent.calls
            if error is None or len(call.parts) == 1 or not _may_be_ones_fault(error):
                return []
            now = time.monotonic()
            alone = [_Call([part], now) for part in call.parts if not part.told.cancelled()]
            self._calls.update(alone)
            return alone

    def _refuse(self, call: _Call, error: BaseException) -> None:
        with self._lock:
            self._calls.discard(call)
        for part in call.parts:
            _fail(part, error)


def _merged(parts: Sequence[Pending]) -> tuple[Columns, list[Any]]:
    """All different rows of the parts as one table, and for each part where its rows are in it."""
    rows = parts[0].rows if len(parts) == 1 else Columns.concatenate([one.rows for one in parts])
    keys = [key for part in parts for key in part.keys]
    first = first_places(keys)
    if len(first) == len(keys):
        ends = np.cumsum([len(part.keys) for part in parts])
        return rows, [slice(end - len(one.keys), end) for one, end in zip(parts, ends, strict=True)]
    at = {keys[row]: place for place, row in enumerate(first)}
    return rows.take(first), [[at[key] for key in part.keys] for part in parts]


def _may_be_ones_fault(error: BaseException) -> bool:
    if isinstance(error, PredictorTimeout):
        return False
    return not (isinstance(error, PredictorError) and error.status in PASSING)


def _fail(part: Pending, error: BaseException) -> None:
    if part.told.set_running_or_notify_cancel():
        part.told.set_exception(error)
