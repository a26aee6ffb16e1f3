"""Cuts one partition of `inference` into runs that end by rows, bytes or seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.errors import LogError, OffsetOutOfRange
from sidelight.log import Stored
from sidelight.log.topics import INFERENCE
from sidelight_detectors.streaming.ahead import open_ahead
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.streaming.marks import Marks
from sidelight_detectors.streaming.outbox import Readable, read_on
from sidelight_detectors.streaming.run import Run


@dataclass(frozen=True)
class Clock:
    """Where time comes from: `monotonic` in seconds, `time_ns` since 1970."""

    monotonic: Callable[[], float] = time.monotonic
    time_ns: Callable[[], int] = time.time_ns


class Cutter:
    """Reads one partition; `open_at` comes first."""

    def __init__(
        self,
        log: Readable,
        partition: int,
        watched: Mapping[str, WatchedColumns],
        settings: DetectorsSettings,
        clock: Clock,
    ) -> None:
        self._log = log
        self._partition = partition
        self._watched = watched
        self._settings = settings
        self._clock = clock
        self.open_at(0, Marks({}))

    def open_at(self, offset: int, marks: Marks) -> None:
        """The next run begins here."""
        self._marks = marks
        self._ahead: deque[Stored] = deque()
        self._open(offset)

    @property
    def begin(self) -> int:
        """Where the open run begins."""
        return self._run.begin

    @property
    def position(self) -> int:
        """The next record to read."""
        return self._ahead[-1].address.offset + 1 if self._ahead else self._run.end

    @property
    def is_idle(self) -> bool:
        """Whether the open run has nothing yet."""
        return self._run.end == self._run.begin

    def poll(self, wait_seconds: float) -> Run | None:
        """Take in what there is; the run, once it has ended."""
        if not self._ahead:
            found = self._read(self._wait(wait_seconds))
            self._ahead.extend(open_ahead(found, self._watched))
        while self._ahead and not self._is_full:
            if self.is_idle:
                self._due = self._clock.monotonic() + self._settings.run_seconds
            self._run.take(self._ahead.popleft())
        overdue = not self.is_idle and self._clock.monotonic() >= self._due
        return self.close() if self._is_full or overdue else None

    def close(self) -> Run | None:
        """End the open run now; None when it has nothing."""
        if self.is_idle:
            return None
        ended = self._run
        self._open(ended.end)
        return ended

    def cut_to(self, end: int) -> Run:
        """The run that ends at `end`, whatever its rows and bytes."""
        found = read_on(self._log, INFERENCE, self._partition, self.begin)
        inside = takewhile(lambda stored: stored.address.offset < end, found)
        for stored in open_ahead(list(inside), self._watched):
            self._run.take(stored)
        ended = self._run
        if ended.end < end and self._log.span(INFERENCE, self._partition).begin < end:
            raise LogError(
                f"{INFERENCE}/{self._partition}: could be read up to {ended.end}, not to {end}"
            )
        ended.end = end
        self._open(end)
        return ended

    @property
    def _is_full(self) -> bool:
        run, limits = self._run, self._settings
        return run.rows >= limits.run_rows or run.bytes >= limits.run_bytes

    def _open(self, offset: int) -> None:
        self._run = Run(offset, self._watched, self._marks)
        self._due = 0.0

    def _wait(self, wait_seconds: float) -> float:
        if self.is_idle:
            return wait_seconds
        return min(wait_seconds, max(self._due - self._clock.monotonic(), 0.0))

    def _read(self, wait_seconds: float) -> list[Stored]:
        try:
            return self._log.read(
                INFERENCE, self._partition, self._run.end, wait_seconds=wait_seconds
            )
        except OffsetOutOfRange as exc:
            if exc.begin <= self._run.end:
                raise
            # Retention was faster than we: go on with what is left, in a run of its own.
            return self._skip_to(exc.begin)

    def _skip_to(self, begin: int) -> list[Stored]:
        if self.is_idle:
            self._open(begin)
        else:
            self._due = self._clock.monotonic()
        return []
