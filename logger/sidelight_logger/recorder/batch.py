"""Appends in batches: by count, by bytes, and after a few milliseconds at the latest."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from sidelight.errors import LogFull
from sidelight.log import topics
from sidelight.log.contract import Record, Writer
from sidelight_logger.metrics.recorder import LOG_FULL, RecorderMetrics

_TELL_AGAIN_SECONDS = 60.0


@dataclass(frozen=True)
class BatchLimits:
    """A batch is appended when the first of these is reached."""

    records: int = 1000
    bytes: int = 4 << 20
    seconds: float = 0.01


class Batch:
    """Exchanges on their way to the log. What a full log refuses is dropped, newest first."""

    def __init__(
        self,
        log: Writer,
        metrics: RecorderMetrics,
        limits: BatchLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._limits = limits or BatchLimits()
        self._clock = clock
        self._records: list[Record] = []
        self._bytes = 0
        self._due = 0.0
        self._silent_until = 0.0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: Record) -> None:
        if not self._records:
            self._due = self._clock() + self._limits.seconds
        self._records.append(record)
        self._bytes += len(record.value)

    @property
    def is_full(self) -> bool:
        return len(self._records) >= self._limits.records or self._bytes >= self._limits.bytes

    def seconds_left(self) -> float | None:
        """Until it must be appended; None while it is empty."""
        return max(0.0, self._due - self._clock()) if self._records else None

    def append(self) -> None:
        """Append what is there. Raises `LogError` when the log cannot go on."""
        records, self._records, self._bytes = self._records, [], 0
        if not records:
            return
        began = self._clock()
        try:
            self._log.append(topics.INFERENCE, records)
        except LogFull as exc:
            self._metrics.dropped.labels(LOG_FULL).inc(len(records))
            self._tell(exc, len(records))
            return
        self._metrics.append_seconds.observe(self._clock() - began)
        self._metrics.recorded.inc(len(records))

    def _tell(self, cause: LogFull, dropped: int) -> None:
        now = self._clock()
        if now >= self._silent_until:
            self._silent_until = now + _TELL_AGAIN_SECONDS
            structlog.get_logger("sidelight.recorder").error(
                "log full, exchanges dropped", dropped=dropped, cause=str(cause)
            )
