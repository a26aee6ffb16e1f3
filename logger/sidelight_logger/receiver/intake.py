"""Appends what posts say: those that wait together, in one step. A post is answered afterwards.

One thread reads and appends; while the log takes its time, posts wait, and then go in together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread

import structlog

from sidelight.errors import LogError, RecordTooLarge, SidelightError
from sidelight.log.contract import Record, Writer
from sidelight.log.topics import HALVES
from sidelight_logger.receiver.reading import Said

BATCH_POSTS = 1000
BATCH_BYTES = 8 << 20
"""Above either an append is not made larger."""

_log = structlog.get_logger("sidelight.receiver")


@dataclass(slots=True)
class _Waiting:
    read: Callable[[], Sequence[Said]]
    done: Future[Sequence[Said]] = field(default_factory=Future)
    said: Sequence[Said] = ()

    @property
    def records(self) -> list[Record]:
        return [one.record for one in self.said]


class Intake:
    """`start` comes first, `close` last. `trouble` says why the log took nothing the last time."""

    def __init__(self, log: Writer, observe_seconds: Callable[[float], None]) -> None:
        self.trouble = ""
        self._log = log
        self._observe_seconds = observe_seconds
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="intake")

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Append what waits, then end."""
        self._queue.put(None)
        self._thread.join()

    def take(self, read: Callable[[], Sequence[Said]]) -> Future[Sequence[Said]]:
        """What `read` finds, when the log has it; or what it raises, or the log."""
        waiting = _Waiting(read)
        self._queue.put(waiting)
        return waiting.done

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            self._append(self._gathered(first))

    def _gathered(self, first: _Waiting) -> list[_Waiting]:
        """This one and what waits beside it, as far as it can be read."""
        batch: list[_Waiting] = []
        size = 0
        waiting: _Waiting | None = first
        while waiting is not None:
            if self._is_read(waiting):
                batch.append(waiting)
                size += sum(len(record.value) for record in waiting.records)
            is_full = len(batch) >= BATCH_POSTS or size >= BATCH_BYTES
            waiting = None if is_full else self._next()
        return batch

    def _next(self) -> _Waiting | None:
        try:
            found = self._queue.get_nowait()
        except Empty:
            return None
        if found is None:
            self._queue.put(None)  # the end, which `_run` is to see
        return found

    def _is_read(self, waiting: _Waiting) -> bool:
        if not waiting.done.set_running_or_notify_cancel():
            return False  # who sent it has gone, and nobody was told that it is kept
        try:
            waiting.said = waiting.read()
        except SidelightError as exc:
            waiting.done.set_exception(exc)
            return False
        except Exception as exc:  # the thread's edge: without it nobody is answered any more
            _log.exception("a post could not be read")
            waiting.done.set_exception(exc)
            return False
        return True

    def _append(self, batch: Sequence[_Waiting]) -> None:
        records = [record for waiting in batch for record in waiting.records]
        began = time.monotonic()
        try:
            if records:
                self._log.append(HALVES, records)
        except RecordTooLarge as exc:
            self._append_apart(batch, exc)
        except (LogError, ValueError) as exc:
            self._refuse(batch, exc)
        else:
            self._observe_seconds(time.monotonic() - began)
            self.trouble = ""
            for waiting in batch:
                waiting.done.set_result(waiting.said)

    def _append_apart(self, batch: Sequence[_Waiting], cause: RecordTooLarge) -> None:
        """Until the one that is too large stands alone; the joiner knows what is sent twice."""
        half = len(batch) // 2
        if half:
            self._append(batch[:half])
            self._append(batch[half:])
        else:
            batch[0].done.set_exception(cause)

    def _refuse(self, batch: Sequence[_Waiting], cause: Exception) -> None:
        if self.trouble != str(cause):
            _log.error("the log takes nothing, senders are asked to wait", reason=str(cause))
        self.trouble = str(cause)
        for waiting in batch:
            waiting.done.set_exception(cause)
