"""A log in memory, for the tests of services: the contract without the disk."""

from __future__ import annotations

import random
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from threading import Condition
from zlib import crc32

from sidelight.errors import Fenced, GroupBusy, OffsetOutOfRange
from sidelight.log.contract import Address, Claim, Position, Record, Span, Stored


class MemoryLog:
    """Keeps the contract for one process and as long as it lives; nothing is ever retired."""

    def __init__(self, partitions: int = 1) -> None:
        self.log_id = "memory"
        self._partitions = partitions
        self._records: dict[tuple[str, int], list[Stored]] = {}
        self._positions: dict[tuple[str, str, int], Position] = {}
        self._members: dict[str, MemoryMembership] = {}
        self._changed = Condition()

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        with self._changed:
            self._changed.notify_all()
            return [self._keep(topic, record, partition) for record in records]

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
        with self._changed:
            held = self._held(topic, partition)
            if not 0 <= offset <= len(held):
                raise self._out_of_range(Address(topic, partition, offset))
            self._changed.wait_for(lambda: len(held) > offset, wait_seconds)
            found = held[offset : offset + max_records]
            sizes = accumulate(len(stored.record.value) for stored in found)
            return found[: max(1, sum(size <= max_bytes for size in sizes))]

    def get(self, address: Address) -> Stored:
        with self._changed:
            held = self._held(address.topic, address.partition)
            if not 0 <= address.offset < len(held):
                raise self._out_of_range(address)
            return held[address.offset]

    def partitions(self, topic: str) -> int:
        return self._partitions

    def span(self, topic: str, partition: int) -> Span:
        return Span(0, len(self._held(topic, partition)))

    def offset_at(self, topic: str, partition: int, time_ns: int) -> int:
        held = self._held(topic, partition)
        return bisect_left(held, time_ns, key=lambda stored: stored.appended_ns)

    def join(self, group: str, topic: str, *, wait_seconds: float = 0.0) -> MemoryMembership:
        with self._changed:
            if not self._changed.wait_for(lambda: group not in self._members, wait_seconds):
                raise GroupBusy(f"group {group!r} is held by this process; let it leave first")
            return self._members.setdefault(group, MemoryMembership(self, group, topic))

    def close(self) -> None:
        """Nothing to let go of: what was appended stays readable."""

    def _held(self, topic: str, partition: int) -> list[Stored]:
        if not 0 <= partition < self._partitions:
            raise ValueError(f"{topic!r} has no partition {partition}, only {self._partitions}")
        return self._records.setdefault((topic, partition), [])

    def _keep(self, topic: str, record: Record, partition: int | None) -> Address:
        number = crc32(record.key) % self._partitions if partition is None else partition
        held = self._held(topic, number)
        now_ns = max(time.time_ns(), held[-1].appended_ns if held else 0)
        held.append(Stored(Address(topic, number, len(held)), record, now_ns))
        return held[-1].address

    def _out_of_range(self, address: Address) -> OffsetOutOfRange:
        end = len(self._held(address.topic, address.partition))
        return OffsetOutOfRange(f"{address} is not there; 0 up to {end} are", begin=0, end=end)


class MemoryMembership:
    """A place in a group of a `MemoryLog`."""

    def __init__(self, log: MemoryLog, group: str, topic: str) -> None:
        self._log = log
        self._group = group
        self._topic = topic

    def claims(self) -> tuple[Claim, ...]:
        with self._log._changed:
            self._check_place()
            return tuple(Claim(number, 0) for number in range(self._log.partitions(self._topic)))

    def committed(self, partition: int) -> Position | None:
        return self._log._positions.get((self._group, self._topic, partition))

    def commit(self, positions: Mapping[int, Position]) -> None:
        with self._log._changed:
            self._check_place()
            for partition, position in positions.items():
                self._log._positions[self._group, self._topic, partition] = position

    def leave(self) -> None:
        with self._log._changed:
            if self._log._members.get(self._group) is self:
                del self._log._members[self._group]
                self._log._changed.notify_all()

    def _check_place(self) -> None:
        if self._log._members.get(self._group) is not self:
            raise Fenced(f"group {self._group!r}: this consumer has left; join again")


class SharingLog(MemoryLog):
    """A log in memory whose groups are shared, as a broker's are: their partitions change hands.

    With `unrest` above 0 they do so also out of the blue: it is the chance, at each call of
    `claims`, that all is dealt anew, and at each commit, that it is refused. What happens follows
    from `chance` alone. `expel` is what a broker does to a consumer it takes for dead.
    """

    def __init__(
        self, partitions: int = 1, chance: random.Random | None = None, unrest: float = 0.0
    ) -> None:
        super().__init__(partitions)
        self.chance = chance or random.Random(0)
        self.unrest = unrest
        self._shared: dict[str, _Group] = {}

    def join(  # type: ignore[override]
        self, group: str, topic: str, *, wait_seconds: float = 0.0
    ) -> SharingMembership:
        with self._changed:
            return SharingMembership(self, group, topic)

    def expel(self, member: SharingMembership) -> None:
        """Take the consumer for dead. It hears of it at its next commit, or never."""
        with self._changed:
            self._group(member.group).remove(member)

    def deal(self, group: str) -> None:
        """Deal the partitions anew among those who live."""
        with self._changed:
            self._group(group).deal()

    def _group(self, name: str) -> _Group:
        return self._shared.setdefault(name, _Group(self._partitions, self.chance))


class SharingMembership:
    """A place in a group of a `SharingLog`; one that was expelled joins again by `claims`."""

    def __init__(self, log: SharingLog, group: str, topic: str) -> None:
        self.group = group
        self._log = log
        self._topic = topic
        self._has_left = False

    def claims(self) -> tuple[Claim, ...]:
        with self._log._changed:
            if self._has_left:
                raise Fenced(f"group {self.group!r}: this consumer has left; join again")
            group = self._log._group(self.group)
            group.add(self)
            if self._is_disturbed():
                group.deal()
            return group.claims(self)

    def committed(self, partition: int) -> Position | None:
        return self._log._positions.get((self.group, self._topic, partition))

    def commit(self, positions: Mapping[int, Position]) -> None:
        with self._log._changed:
            held = self._log._group(self.group).held_by(self)
            if not held.issuperset(positions) or self._is_disturbed():
                raise Fenced(f"group {self.group!r}: claims have changed; ask for them")
            for partition, position in positions.items():
                self._log._positions[self.group, self._topic, partition] = position

    def leave(self) -> None:
        self._has_left = True
        self._log.expel(self)

    def _is_disturbed(self) -> bool:
        return self._log.chance.random() < self._log.unrest


class _Group:
    """Who is to have which partition, and who has it until they let go of it."""

    def __init__(self, partitions: int, chance: random.Random) -> None:
        self._chance = chance
        self._members: list[SharingMembership] = []
        self._dealt: dict[int, SharingMembership] = {}
        self._held: dict[int, SharingMembership] = {}
        self._epochs = dict.fromkeys(range(partitions), 0)
        self._to_let_go: set[SharingMembership] = set()

    def add(self, member: SharingMembership) -> None:
        if member not in self._members:
            self._members.append(member)
            self.deal()

    def remove(self, member: SharingMembership) -> None:
        if member in self._members:
            self._members.remove(member)
            self._held = {at: one for at, one in self._held.items() if one is not member}
            self.deal()

    def deal(self) -> None:
        """Some of the time everybody has to let go of everything, as in Kafka's older protocol."""
        partitions = list(self._epochs)
        self._chance.shuffle(partitions)
        rounds = enumerate(partitions) if self._members else ()
        self._dealt = {at: self._members[number % len(self._members)] for number, at in rounds}
        if self._chance.random() < 0.5:
            self._to_let_go = set(self._members)

    def held_by(self, member: SharingMembership) -> set[int]:
        return {at for at, one in self._held.items() if one is member}

    def claims(self, member: SharingMembership) -> tuple[Claim, ...]:
        lets_all_go = member in self._to_let_go
        self._to_let_go.discard(member)
        for at in self.held_by(member):
            if lets_all_go or self._dealt[at] is not member:
                del self._held[at]
        for at, one in self._dealt.items():
            if one is member and at not in self._held:
                self._held[at] = member
                self._epochs[at] += 1
        return tuple(Claim(at, self._epochs[at]) for at in sorted(self.held_by(member)))
