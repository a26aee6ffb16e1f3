"""Appending to topics: one idempotent producer, and one Kafka batch a partition at a time.

After a batch that was refused or came too late the client goes on with the partition's next one.
Whoever appends all of it again would put the refused records behind later ones, and readers that
count by sequences would take them for repeats. So the next batch is given to the client when the
one before is acknowledged (`rounds`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata
from kafka.record.default_records import DefaultRecordBatchBuilder

from sidelight.config.settings import LogSettings
from sidelight.errors import LogError
from sidelight.log.contract import Headers
from sidelight.log.kafka.dialling import dial
from sidelight.log.kafka.facts import Facts
from sidelight.log.kafka.failures import translated
from sidelight.log.kafka.times import milliseconds

_BATCH_BYTES = 1_000_000
"""Just under the 1 MiB that a topic takes unless told otherwise."""
_REQUEST_BYTES = 90 << 20
"""Brokers take requests of 100 MiB unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a value of None deletes the key from a compacted topic.

    `size` is that of the batch that holds it alone, at most.
    """

    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    size: int = field(init=False)

    def __post_init__(self) -> None:
        size = DefaultRecordBatchBuilder.estimate_size_in_bytes(self.key, self.value, self.headers)
        object.__setattr__(self, "size", size)


def rounds(messages: Sequence[Message], limit: int) -> list[list[int]]:
    """Which messages to send together: of each partition one batch of up to `limit` bytes."""
    found: list[list[int]] = []
    turn: Counter[int] = Counter()
    filled: Counter[int] = Counter()
    for index, message in enumerate(messages):
        at = message.partition
        if filled[at] and filled[at] + message.size > limit:
            turn[at] += 1
            filled[at] = 0
        filled[at] += message.size
        if turn[at] == len(found):
            found.append([])
        found[turn[at]].append(index)
    return found


class Appender:
    """Sends from any thread, one append at a time.

    After a failure the producer is replaced: what it still held is given up, so that memory stays
    bounded and the next append begins with a clean state.
    """

    def __init__(self, log: LogSettings) -> None:
        self._log = log
        self._producer: KafkaProducer | None = None
        self._lock = Lock()

    def send(self, topic: Facts, messages: Sequence[Message]) -> list[int]:
        """Send all and return their offsets when the brokers have acknowledged them."""
        seconds = self._log.kafka.timeout_seconds
        deadline = time.monotonic() + seconds
        with self._lock:
            if self._producer is None:
                self._producer = _dialled(self._log, seconds)
            try:
                with translated(f"append to {topic.name!r}"):
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
    producer = dial(
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
    # A batch that is refused for its size must not be taken apart and sent in pieces.
    producer._sender._can_split = lambda batch, error: False
    return producer


def _sent(
    producer: KafkaProducer, topic: Facts, messages: Sequence[Message], deadline: float
) -> list[int]:
    limit = min(_BATCH_BYTES, topic.max_batch_bytes or _BATCH_BYTES)
    offsets: dict[int, int] = {}
    for together in rounds(messages, limit):
        futures = {index: _given(producer, topic.name, messages[index]) for index in together}
        producer.flush(max(0.0, deadline - time.monotonic()))
        offsets |= {index: int(one.get(timeout=0).offset) for index, one in futures.items()}
    if min(offsets.values()) < 0:
        raise LogError(f"append to {topic.name!r}: kept, but the brokers did not say where")
    return [offsets[index] for index in range(len(messages))]


def _given(producer: KafkaProducer, topic: str, message: Message) -> FutureRecordMetadata:
    return producer.send(
        topic,
        value=message.value,
        key=message.key,
        headers=list(message.headers),
        partition=message.partition,
    )
