"""Appending to topics: one idempotent producer, one Kafka batch a partition and append."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata

from sidelight.config.settings import LogSettings
from sidelight.errors import LogError
from sidelight.log.contract import Headers
from sidelight.log.kafka.dialling import dial
from sidelight.log.kafka.failures import translated
from sidelight.log.kafka.times import milliseconds

_BATCH_BYTES = 1_000_000
"""Just under the 1 MiB that a topic takes unless told otherwise."""
_REQUEST_BYTES = 90 << 20
"""Brokers take requests of 100 MiB unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a value of None deletes the key from a compacted topic."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Appender:
    """Sends from any thread, one append at a time.

    After a failure the producer is replaced: what it still held is given up, so that memory stays
    bounded and the next append begins with a clean state.
    """

    def __init__(self, log: LogSettings) -> None:
        self._log = log
        self._producer: KafkaProducer | None = None
        self._lock = Lock()

    def send(self, topic: str, messages: Sequence[Message]) -> list[int]:
        """Send all and return their offsets when the brokers have acknowledged them."""
        seconds = self._log.kafka.timeout_seconds
        deadline = time.monotonic() + seconds
        with self._lock:
            if self._producer is None:
                self._producer = _dialled(self._log, seconds)
            try:
                with translated(f"append to {topic!r}"):
                    return _sent(self._producer, topic, messages, deadline)
            except BaseException:
                self._give_up()
                raise

    def close(self) -> None:
        with self._lock:
            self._give_up()

    def _give_up(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            # Without this `close` waits for, and fails over, what the brokers never took.
            producer._sender.force_close()
            producer._sender.join(timeout=1)
            producer.close(timeout=1)


def _dialled(log: LogSettings, seconds: float) -> KafkaProducer:
    return dial(
        KafkaProducer,
        log,
        seconds=seconds,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        batch_size=_BATCH_BYTES,
        max_request_size=_REQUEST_BYTES,
        linger_ms=milliseconds(seconds / 4),
        request_timeout_ms=milliseconds(seconds / 2),
        delivery_timeout_ms=milliseconds(seconds),
        max_block_ms=milliseconds(seconds),
        metrics_enabled=False,
    )


def _sent(
    producer: KafkaProducer, topic: str, messages: Sequence[Message], deadline: float
) -> list[int]:
    futures: list[FutureRecordMetadata] = [
        producer.send(
            topic,
            value=message.value,
            key=message.key,
            headers=list(message.headers),
            partition=message.partition,
        )
        for message in messages
    ]
    producer.flush(max(0.0, deadline - time.monotonic()))
    offsets = [int(future.get(timeout=0).offset) for future in futures]
    if min(offsets) < 0:
        raise LogError(f"append to {topic!r}: kept, but the brokers did not say where")
    return offsets
