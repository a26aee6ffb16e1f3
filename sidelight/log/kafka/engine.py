"""The log on Kafka behind the contract."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from zlib import crc32

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import OffsetOutOfRangeError

from sidelight.config.brokers import KafkaAddress
from sidelight.config.settings import LogSettings
from sidelight.errors import LogError, OffsetOutOfRange, RecordTooLarge
from sidelight.log.contract import Address, Record, Span, Stored
from sidelight.log.kafka.appender import Appender, Message
from sidelight.log.kafka.bounds import Bounds
from sidelight.log.kafka.cursors import Cursors
from sidelight.log.kafka.facts import Facts, FactsOfTopics
from sidelight.log.kafka.failures import translated
from sidelight.log.kafka.joining import join
from sidelight.log.kafka.membership import KafkaMembership
from sidelight.log.kafka.notebook import Notebook
from sidelight.log.topics import INFERENCE, STATE


class KafkaLog:
    """A log on brokers; use it from any thread. Nothing is sent before it is first asked for."""

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._address = KafkaAddress.parse(settings.url)
        self._seconds = settings.kafka.timeout_seconds
        self._facts = FactsOfTopics(settings)
        self._appender = Appender(settings)
        self._bounds = Bounds(settings)
        self._cursors = Cursors(settings, self._bounds)
        self._members: list[KafkaMembership] = []
        self._lock = Lock()
        self._closed = False

    @property
    def log_id(self) -> str:
        """The id that Kafka gave the topic ``inference`` when it was made."""
        return self._of(INFERENCE).topic_id

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        facts = self._of(topic)
        if partition is not None:
            facts.check(partition)
        if not records:
            return []
        messages = [_message(record, facts.partitions, partition) for record in records]
        facts = self._fitting(topic, max(message.size for message in messages))
        try:
            offsets = self._appender.send(facts, messages)
        except RecordTooLarge:
            self._facts.forget(topic)
            raise
        return [
            Address(topic, message.partition, offset)
            for message, offset in zip(messages, offsets, strict=True)
        ]

    def read(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        max_records: int = 1000,
        max_bytes: int = 8 << 20,
        wait_seconds: float = 0.0,
    ) -> list[Stored]:
        at = self._at(topic, partition)
        doing = f"read {topic}/{partition}/{offset}"
        try:
            if offset < 0:
                raise OffsetOutOfRangeError
            with translated(doing), self._cursors.lent(at, offset) as cursor:
                found = cursor.read(offset, max_records, max_bytes, wait_seconds)
        except (LogError, OffsetOutOfRangeError) as exc:
            if isinstance(exc, LogError) and not isinstance(exc.__cause__, OffsetOutOfRangeError):
                raise
            raise self._out_of_range(Address(topic, partition, offset)) from exc
        return [_stored(topic, record) for record in found]

    def get(self, address: Address) -> Stored:
        found = self.read(address.topic, address.partition, address.offset, max_records=1)
        if not found or found[0].address != address:
            raise self._out_of_range(address)
        return found[0]

    def partitions(self, topic: str) -> int:
        return self._of(topic).partitions

    def span(self, topic: str, partition: int) -> Span:
        at = self._at(topic, partition)
        with translated(f"span of {topic}/{partition}"):
            return self._bounds.span(at)

    def offset_at(self, topic: str, partition: int, time_ns: int) -> int:
        at = self._at(topic, partition)
        with translated(f"times of {topic}/{partition}"):
            return self._bounds.offset_at(at, -(-max(0, time_ns) // 1_000_000))

    def join(self, group: str, topic: str, *, wait_seconds: float = 0.0) -> KafkaMembership:
        """Never raises `GroupBusy`: partitions are shared among the group's consumers."""
        facts = self._of(topic)
        notebook = Notebook(self, self._appender, lambda: self._of(STATE))
        member = join(self._settings, self._address.topic(group), facts, notebook, wait_seconds)
        with self._lock:
            self._members = [one for one in self._members if not one.left] + [member]
        return member

    def close(self) -> None:
        with self._lock:
            self._closed = True
            members, self._members = self._members, []
        for member in members:
            member.leave()
        self._appender.close()
        self._cursors.close()
        self._bounds.close()

    def _of(self, topic: str) -> Facts:
        if self._closed:
            raise LogError(f"log {self._settings.url} is closed; open it again")
        return self._facts.of(topic)

    def _at(self, topic: str, partition: int) -> TopicPartition:
        facts = self._of(topic)
        facts.check(partition)
        return TopicPartition(facts.name, partition)

    def _fitting(self, topic: str, largest: int) -> Facts:
        """The topic, which takes a record of that size; its limit may have been changed."""
        facts = self._of(topic)
        if facts.max_batch_bytes is not None and largest > facts.max_batch_bytes:
            self._facts.forget(topic)
            facts = self._of(topic)
        if facts.max_batch_bytes is not None and largest > facts.max_batch_bytes:
            raise RecordTooLarge(
                f"append to {topic!r}: a record of {largest} bytes, the topic takes "
                f"{facts.max_batch_bytes}; raise max.message.bytes of {facts.name!r}, or send less"
            )
        return facts

    def _out_of_range(self, address: Address) -> OffsetOutOfRange:
        span = self.span(address.topic, address.partition)
        return OffsetOutOfRange(
            f"{address} is not there; {span.begin} up to {span.end} are",
            begin=span.begin,
            end=span.end,
        )


def _message(record: Record, partitions: int, partition: int | None) -> Message:
    """Kafka tells no key from an empty one here: both are sent as none."""
    number = crc32(record.key) % partitions if partition is None else partition
    return Message(number, record.key or None, record.value, record.headers)


def _stored(topic: str, record: ConsumerRecord) -> Stored:
    headers = tuple((name, value or b"") for name, value in record.headers)
    return Stored(
        Address(topic, record.partition, record.offset),
        Record(record.value or b"", record.key or b"", headers),
        record.timestamp * 1_000_000,
    )
