"""A consumer that stands at one offset of one partition."""

from __future__ import annotations

import time
from collections import deque
from itertools import islice

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaTimeoutError, OffsetOutOfRangeError

from sidelight.log.kafka.bounds import Bounds
from sidelight.log.kafka.times import milliseconds

_STEP_SECONDS = 0.05
"""Between two looks whether all that came were holes (aborted transactions, compacted records):
`poll` does not return for them."""


class Cursor:
    """Belongs to no group; `next` is the offset that it can go on from without fetching anew."""

    def __init__(
        self, consumer: KafkaConsumer, at: TopicPartition, bounds: Bounds, seconds: float
    ) -> None:
        self.next = -1
        self._consumer = consumer
        self._at = at
        self._bounds = bounds
        self._seconds = seconds
        self._held: deque[ConsumerRecord] = deque()
        consumer.assign([at])

    def read(
        self, offset: int, max_records: int, max_bytes: int, wait_seconds: float
    ) -> list[ConsumerRecord]:
        if offset != self.next:
            self._held.clear()
            self._consumer.seek(self._at, offset)
            self.next = offset
        if not self._held:
            self._fill(offset, max_records, wait_seconds)
        found = self._take(max_records, max_bytes)
        if found:
            self.next = found[-1].offset + 1
        return found

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=1000)

    def _take(self, max_records: int, max_bytes: int) -> list[ConsumerRecord]:
        size, count = 0, 0
        for record in islice(self._held, max_records):
            size += len(record.value or b"")
            if size > max_bytes and count:
                break
            count += 1
        return [self._held.popleft() for _ in range(count)]

    def _fill(self, offset: int, max_records: int, wait_seconds: float) -> None:
        if self._poll(0, max_records):
            return
        end = self._bounds.end(self._at)
        if offset > end:
            raise OffsetOutOfRangeError({self._at: offset})
        deadline = time.monotonic() + self._seconds
        while self._consumer.position(self._at) < end:
            if self._poll(_STEP_SECONDS, max_records):
                return
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"nothing came for {self._seconds:.0f} s")
        self._poll(wait_seconds, max_records)

    def _poll(self, seconds: float, max_records: int) -> bool:
        polled = self._consumer.poll(milliseconds(seconds), max_records)
        self._held.extend(polled.get(self._at, ()))
        return bool(self._held)
