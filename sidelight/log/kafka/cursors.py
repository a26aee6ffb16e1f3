"""The cursors of a log, kept to be taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from kafka import KafkaConsumer, TopicPartition

from sidelight.config.settings import LogSettings
from sidelight.log.kafka.bounds import Bounds
from sidelight.log.kafka.cursor import Cursor
from sidelight.log.kafka.dialling import dial
from sidelight.log.kafka.times import milliseconds

_IDLE_OF_ONE_PARTITION = 3
_IDLE_IN_ALL = 32
_FETCH_BYTES = 1 << 20


class Cursors:
    """Lends each reader a cursor, best one that stands where it goes on.

    Several, so that readers of one partition do not seek each other away from what is fetched.
    """

    def __init__(self, log: LogSettings, bounds: Bounds) -> None:
        self._log = log
        self._bounds = bounds
        self._idle: list[tuple[TopicPartition, Cursor]] = []
        self._lock = Lock()

    @contextmanager
    def lent(self, at: TopicPartition, offset: int) -> Iterator[Cursor]:
        """A cursor to use alone; one that fails is not kept."""
        cursor = self._taken(at, offset) or self._new(at)
        try:
            yield cursor
        except BaseException:
            cursor.close()
            raise
        self._put_back(at, cursor)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for _, cursor in idle:
            cursor.close()

    def _taken(self, at: TopicPartition, offset: int) -> Cursor | None:
        with self._lock:
            fitting = [index for index, (where, _) in enumerate(self._idle) if where == at]
            best = [index for index in fitting if self._idle[index][1].next == offset]
            if best or len(fitting) >= _IDLE_OF_ONE_PARTITION:
                return self._idle.pop((best or fitting)[0])[1]
        return None

    def _put_back(self, at: TopicPartition, cursor: Cursor) -> None:
        with self._lock:
            self._idle.append((at, cursor))
            surplus = self._idle[:-_IDLE_IN_ALL]
            del self._idle[: len(surplus)]
        for _, old in surplus:
            old.close()

    def _new(self, at: TopicPartition) -> Cursor:
        seconds = self._log.kafka.timeout_seconds
        consumer = dial(
            KafkaConsumer,
            self._log,
            seconds=seconds,
            auto_offset_reset="none",
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=_FETCH_BYTES,
            # Half, so that there is time to ask the leader that follows a broker which is silent.
            request_timeout_ms=milliseconds(seconds / 2),
            fetch_max_wait_ms=milliseconds(min(0.5, seconds / 4)),
            metrics_enabled=False,
        )
        return Cursor(consumer, at, self._bounds, seconds)
