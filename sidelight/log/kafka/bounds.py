"""Where partitions begin and end, asked on a connection of its own.

A broker answers the requests of a connection in turn, and one for records that are not there yet
waits for half a second: on a reader's connection each look would wait behind that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from sidelight.config.settings import LogSettings
from sidelight.log.contract import Span
from sidelight.log.kafka.dialling import dial
from sidelight.log.kafka.times import milliseconds

_ANSWER_MS = 3000
"""After that another broker is asked: the one that leads may have changed, and all wait here."""


class Bounds:
    """One for a log; asked from any thread, by one after the other."""

    def __init__(self, log: LogSettings) -> None:
        self._log = log
        self._wait_ms = milliseconds(log.kafka.timeout_seconds)
        self._consumer: KafkaConsumer | None = None
        self._lock = Lock()

    def span(self, at: TopicPartition) -> Span:
        with self._asked() as consumer:
            begin: int = consumer.beginning_offsets([at], self._wait_ms)[at]
            end: int = consumer.end_offsets([at], self._wait_ms)[at]
        return Span(begin, end)

    def end(self, at: TopicPartition) -> int:
        with self._asked() as consumer:
            end: int = consumer.end_offsets([at], self._wait_ms)[at]
        return end

    def offset_at(self, at: TopicPartition, time_ms: int) -> int:
        """The first offset of that time or later; the end when there is none."""
        with self._asked() as consumer:
            found = consumer.offsets_for_times({at: time_ms}, self._wait_ms)[at]
        return self.end(at) if found is None else int(found.offset)

    def close(self) -> None:
        with self._lock:
            self._give_up()

    @contextmanager
    def _asked(self) -> Iterator[KafkaConsumer]:
        """One that fails is not kept."""
        if not self._lock.acquire(timeout=self._wait_ms / 1000):
            raise KafkaTimeoutError("others wait for an answer to the same question")
        try:
            if self._consumer is None:
                self._consumer = self._dialled()
            yield self._consumer
        except BaseException:
            self._give_up()
            raise
        finally:
            self._lock.release()

    def _give_up(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close(autocommit=False, timeout_ms=1000)

    def _dialled(self) -> KafkaConsumer:
        return dial(
            KafkaConsumer,
            self._log,
            seconds=self._log.kafka.timeout_seconds,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            isolation_level="read_committed",
            request_timeout_ms=min(_ANSWER_MS, self._wait_ms // 3),
            fetch_max_wait_ms=0,  # Nothing is fetched; kafka-python wants it below the former.
            metrics_enabled=False,
        )
