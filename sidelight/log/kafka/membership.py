"""A place in a consumer group: it holds claims and commits, and reads nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import MemberState, OffsetAndMetadata

from sidelight.errors import Fenced, LogError, LogUnreachable
from sidelight.log.contract import Claim, Position
from sidelight.log.kafka.facts import Facts
from sidelight.log.kafka.failures import translated
from sidelight.log.kafka.notebook import Notebook, Page
from sidelight.log.kafka.times import milliseconds

_STEP_MS = 50
_REBALANCE_SECONDS = 1.0
"""How long `claims` waits for the others when partitions change hands."""
_LEAVE_SECONDS = 5.0
_epochs = count(1)


class _Owned(ConsumerRebalanceListener):  # type: ignore[misc]
    """What the group gives this consumer, as it is told of it."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self.epochs: dict[int, int] = {}
        self._consumer = consumer
        self._name = ""

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        for at in assigned:
            # Nothing is read here, and a position of its own saves a look-up of the committed one.
            self._consumer.seek(at, 0)
            self._consumer.pause(at)
            self.epochs[at.partition] = next(_epochs)

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        for at in revoked:
            self.epochs.pop(at.partition, None)

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self.on_partitions_revoked(lost)

    def note_name(self, name: str) -> None:
        """Whoever was put out is let in under another name, and others may have read on since.

        Of that we are not told when it happens while we join.
        """
        if name != self._name:
            self._name = name
            self.epochs = {partition: next(_epochs) for partition in self.epochs}


class KafkaMembership:
    """One consumer of a group; used by one thread.

    `lookup` asks for what is committed and takes no part: while the group settles, a broker answers
    nothing else on the connection of who takes part.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        lookup: KafkaConsumer,
        group: str,
        topic: Facts,
        notebook: Notebook,
        seconds: float,
    ) -> None:
        self._consumer = consumer
        self._lookup = lookup
        self._group = group
        self._topic = topic.name
        self._partitions = topic.partitions
        self._notebook = notebook
        self._seconds = seconds
        self._owned = _Owned(consumer)
        self._given: dict[int, int] = {}
        self._pages: dict[int, Page] = {}
        self.left = False

    def enter(self, seconds: float) -> None:
        """Take part; return with the first claims, or when others keep them for so long."""
        self._consumer.subscribe([self._topic], listener=self._owned)
        with translated(self._doing):
            # Who joins before it knows the topic may be asked to share out what it does not see.
            self._consumer.end_offsets([self._at(0)], milliseconds(self._seconds))
        self._settle(seconds)
        self._given = dict(self._owned.epochs)

    def claims(self) -> tuple[Claim, ...]:
        self._check_place()
        self._settle(_REBALANCE_SECONDS)
        self._given = dict(self._owned.epochs)
        return tuple(Claim(*one) for one in sorted(self._given.items()))

    def committed(self, partition: int) -> Position | None:
        self._check_place()
        found = self._offset(partition)
        while found is not None:
            note = self._notebook.read(self._owner(partition), found.metadata)
            if note is not None:
                return Position(found.offset, note)
            before, found = found, self._offset(partition)
            if found == before:
                raise LogError(
                    f"{self._doing}: the note of partition {partition} is gone from the topic "
                    "'state'; its cleanup.policy must be 'compact'. Reset the group to go on"
                )
        return None

    def commit(self, positions: Mapping[int, Position]) -> None:
        self._check_place()
        claims = [self._claimed(partition) for partition in positions]
        pages = [self._page(claim) for claim in claims]
        texts = [
            page.write(positions[claim.partition].note)
            for claim, page in zip(claims, pages, strict=True)
        ]
        self._send(
            {
                self._at(claim.partition): OffsetAndMetadata(
                    positions[claim.partition].offset, text, -1
                )
                for claim, text in zip(claims, texts, strict=True)
            }
        )
        for page in pages:
            page.committed()

    def leave(self) -> None:
        if not self.left:
            self.left = True
            self._owned.epochs.clear()
            # If this fails the group finds out by itself when the session ends.
            for consumer in (self._consumer, self._lookup):
                with suppress(KafkaError):
                    consumer.close(autocommit=False, timeout_ms=milliseconds(_LEAVE_SECONDS))

    @property
    def _doing(self) -> str:
        return f"group {self._group!r} of topic {self._topic!r}"

    def _check_place(self) -> None:
        if self.left:
            raise Fenced(f"{self._doing}: this consumer has left; join again")

    def _at(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)

    def _owner(self, partition: int) -> str:
        return f"{self._group}/{self._topic}/{partition}"

    def _claimed(self, partition: int) -> Claim:
        """The claim as it was last told; raises `Fenced` when it has been taken away since."""
        epoch = self._given.get(partition)
        if epoch is None or self._owned.epochs.get(partition) != epoch:
            raise Fenced(
                f"{self._doing}: partition {partition} is not claimed by this consumer; "
                "ask for its claims and go on from what is committed"
            )
        return Claim(partition, epoch)

    def _page(self, claim: Claim) -> Page:
        page = self._pages.get(claim.partition)
        if page is None or page.claim != claim:
            page = Page(self._notebook, self._owner(claim.partition), claim)
            self._pages[claim.partition] = page
        if not page.certain:
            found = self._offset(claim.partition)
            page.settle(None if found is None else found.metadata)
        return page

    def _offset(self, partition: int) -> OffsetAndMetadata | None:
        if not 0 <= partition < self._partitions:
            raise ValueError(f"{self._doing} has no partition {partition}")
        with translated(self._doing):
            return self._lookup.committed(
                self._at(partition), metadata=True, timeout_ms=milliseconds(self._seconds)
            )

    def _send(self, offsets: dict[TopicPartition, OffsetAndMetadata]) -> None:
        deadline = time.monotonic() + self._seconds
        while not self._accepted(offsets, deadline - time.monotonic()):
            self._settle(min(_REBALANCE_SECONDS, deadline - time.monotonic()))
            for at in offsets:
                self._claimed(at.partition)
            if time.monotonic() > deadline:
                raise LogUnreachable(
                    f"{self._doing}: the other consumers have kept the group from settling "
                    f"for {self._seconds:.0f} s; try again"
                )

    def _accepted(self, offsets: dict[TopicPartition, OffsetAndMetadata], seconds: float) -> bool:
        """False when the group is settling: ask again when it has."""
        try:
            with translated(self._doing):
                self._consumer.commit(offsets, timeout_ms=max(1, milliseconds(seconds)))
        except LogError as exc:
            cause = exc.__cause__
            if isinstance(cause, CommitFailedError):
                cause = next(iter(cause.args), cause)
            if isinstance(cause, RebalanceInProgressError):
                return False
            if isinstance(exc.__cause__, CommitFailedError):
                self._owned.epochs.clear()
                raise Fenced(
                    f"{self._doing}: others have taken this consumer's place; "
                    "ask for its claims and go on from what is committed"
                ) from exc.__cause__
            raise
        return True

    def _settle(self, seconds: float) -> None:
        """Let partitions change hands, as long as that takes or `seconds`."""
        deadline = time.monotonic() + seconds
        with translated(self._doing):
            self._consumer.poll(timeout_ms=0)
            while not self._is_settled() and time.monotonic() < deadline:
                self._consumer.poll(timeout_ms=_STEP_MS)

    def _is_settled(self) -> bool:
        place = self._consumer.group_metadata()
        if place.state is not MemberState.STABLE:
            return False
        self._owned.note_name(place.member_id)
        return True
