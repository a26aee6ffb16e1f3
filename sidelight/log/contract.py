"""What an event log is: an append-only store of topics, partitions and offsets.

Two engines keep this contract, and one suite of tests holds both to it: the local one (files on
this machine, no broker) and Kafka. Every service asks for the smallest part it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sidelight.values import value

Headers = tuple[tuple[str, bytes], ...]


@value()
class Record:
    """One thing to append: a value, and what a reader must know to route it without opening it."""

    value: bytes
    key: bytes = b""
    headers: Headers = ()


@value(order=True)
class Address:
    """Where a record stands; ``str(address)`` is ``inference/0/123`` and `parse` reads it back."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Address:
        topic, partition, offset = text.rsplit("/", 2)
        return cls(topic, int(partition), int(offset))


@value()
class Stored:
    """A record as the log holds it; `appended_ns` is the log's clock, nanoseconds since 1970.

    Kafka's clock counts whole milliseconds.
    """

    address: Address
    record: Record
    appended_ns: int


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets a partition holds now: `begin` (first kept) up to, not including, `end`."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Position:
    """How far a group has read (`offset` = the next record to read), and a note kept with it.

    The note is written in the same step as the offset: both or neither survive a crash. It may be
    large (a snapshot); an engine that limits its size finds another atomic place for it.
    """

    offset: int
    note: bytes = b""


class Writer(Protocol):
    """Appends. Called by the recorder, scorers, deciders and whoever writes a dead letter."""

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        """Append the batch and return one address a record, in order.

        Records of one batch that go to one partition are consecutive there and are kept all or
        none (on Kafka: as long as they fit one of its batches; of a larger one a beginning may be
        kept). `partition` None means: by crc32 of the key. Returns when the batch survives what
        `durability` promises (a killed process, or a power cut).
        Raises `LogFull` when there is no space, `ValueError` for a partition that does not exist.
        """
        ...


class Reader(Protocol):
    """Reads, without moving anything. Any number of readers, in any process."""

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
        """Records from `offset` on, in order; empty when there is none yet.

        At least one record is returned if there is one, however large. Offsets grow but may have
        holes; go on from ``last.address.offset + 1``. `wait_seconds` waits for the first one.
        Raises `OffsetOutOfRange` when `offset` is below the first kept or beyond the end.
        """
        ...

    def get(self, address: Address) -> Stored:
        """The record at that address; `OffsetOutOfRange` when it is gone or not there yet."""
        ...


class Offsets(Protocol):
    """Where things stand."""

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has; fixed for the life of the log."""
        ...

    def span(self, topic: str, partition: int) -> Span: ...

    def offset_at(self, topic: str, partition: int, time_ns: int) -> int:
        """The first offset appended at `time_ns` or later; the end when there is none."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A partition that one consumer of a group is to read.

    The same partition given again after it was taken away is another claim (`epoch`): somebody
    else may have read on in between, so what was kept in memory for the old one is stale.
    """

    partition: int
    epoch: int


class Membership(Protocol):
    """One consumer's place in a group that reads one topic, until it leaves, dies or is replaced.

    An engine gives a group to one consumer at a time (local) or shares its partitions among the
    living ones (Kafka). Used by one thread.
    """

    def claims(self) -> tuple[Claim, ...]:
        """What this consumer is to read now, by partition; none when others have it all.

        Call it often, between two whole steps of work: partitions change hands only here, and who
        does not call for long is taken for dead. Raises `Fenced` when it was replaced for good.
        """
        ...

    def committed(self, partition: int) -> Position | None:
        """The group's position there, None before its first commit."""
        ...

    def commit(self, positions: Mapping[int, Position]) -> None:
        """Record positions by partition, all or none.

        Raises `Fenced` when one of them is no longer claimed: nothing was changed; go on from what
        `claims` says then and from what is committed.
        """
        ...

    def leave(self) -> None:
        """Give the claims free; positions stay."""
        ...


class Log(Writer, Reader, Offsets, Protocol):
    """The whole: what `sidelight.log.open_log` returns."""

    @property
    def log_id(self) -> str:
        """Tells this log from every other; made with it and never changed."""
        ...

    def join(self, group: str, topic: str, *, wait_seconds: float = 0.0) -> Membership:
        """Become a consumer of the group, which reads that topic.

        Raises `GroupBusy` when, after `wait_seconds`, a living consumer holds the group of an
        engine that does not share. A consumer that died (even by kill -9) holds nothing, at the
        latest when it has been silent for the engine's session time.
        """
        ...

    def close(self) -> None: ...
