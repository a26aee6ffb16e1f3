"""Partitions change hands among several joiners, and commits are refused, at any moment."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.config.settings import JoinerSettings
from sidelight.errors import LogUnreachable
from sidelight.log import Record, Stored
from sidelight.log.contract import Address, Membership
from sidelight.log.testing import MemoryLog, SharingLog, SharingMembership
from sidelight.log.topics import HALVES, INFERENCE
from sidelight_logger.joiner import pairing, shift
from sidelight_logger.joiner.importing import ForeignPartition, Source
from sidelight_logger.joiner.pairing import HalvesPartition
from sidelight_logger.joiner.serving import importing_shift, joining_shift, run
from sidelight_logger.joiner.shift import Shift
from tests.logger.joining import FOREIGN, TERMS, exchanges_in, folded, halves_of, spread, told

SETTINGS = JoinerSettings(ttl_seconds=TERMS.ttl_ns / 1e9, max_bytes=TERMS.max_bytes)


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "COMMIT_RECORDS", 4)
    monkeypatch.setattr("sidelight_logger.joiner.reading.MAX_RECORDS", 3)
    monkeypatch.setattr(shift, "RETRY_SECONDS", 0.01)


def shifts_of(
    foreign: MemoryLog, ours: MemoryLog, stop: threading.Event
) -> tuple[Shift[HalvesPartition], Shift[ForeignPartition]]:
    source = Source(foreign, FOREIGN, lambda: "topic-id")
    return joining_shift(ours, SETTINGS, stop), importing_shift(source, ours, SETTINGS, stop)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_however_partitions_change_hands_every_exchange_is_told_once(
    seed: int, processes: int, partitions: int
) -> None:
    chance, stop = random.Random(seed), threading.Event()
    foreign = SharingLog(4, chance, unrest=0.1)
    ours = SharingLog(partitions, chance, unrest=0.1)
    sent = [half for number in range(15) for half in halves_of(number)]
    chance.shuffle(sent)
    spread(foreign, sent, [chance.randrange(4) for _ in range(9)])
    at_work = [one for _ in range(processes) for one in shifts_of(foreign, ours, stop)]
    for _ in range(60 * processes):
        chance.choice(at_work)._try(0.0)
    foreign.unrest = ours.unrest = 0.0
    for _ in range(60):
        for one in at_work:
            one._try(0.0)
    found = exchanges_in(ours)
    assert sorted(one.correlation_id for one in found) == sorted(f"client-{n}" for n in range(15))
    assert {one.outcome for one in found} == {"answered"}
    numbered = {record.key: record for record in folded(ours)}
    assert {record.key: record for record in told(ours)} == numbered


class FailingLog(MemoryLog):
    """Every second append is kept and then denied."""

    appends = 0

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        addresses = super().append(topic, records, partition=partition)
        self.appends += 1
        if self.appends % 2:
            raise LogUnreachable("no answer")
        return addresses


def test_what_the_log_refused_is_said_again_without_reading_it_again() -> None:
    foreign, ours, stop = MemoryLog(), FailingLog(), threading.Event()
    spread(foreign, [half for number in range(9) for half in halves_of(number)], [0])
    joining, importing = shifts_of(foreign, ours, stop)
    for _ in range(40):
        importing._try(0.0)
        joining._try(0.0)
    assert len(exchanges_in(ours)) == 9
    assert ours.span(HALVES, 0).end > 18, "halves were carried twice"
    assert ours.span(INFERENCE, 0).end > 9, "exchanges were said twice"


class Stalling(SharingLog):
    """Halves are read by nobody until the consumer has joined again."""

    joined = 0

    def join(  # type: ignore[override]
        self, group: str, topic: str, *, wait_seconds: float = 0.0
    ) -> SharingMembership:
        self.joined += topic == HALVES
        return super().join(group, topic)

    def read(self, topic: str, partition: int, offset: int, **limits: Any) -> list[Stored]:
        if topic == HALVES and self.joined < 2:
            return []
        return super().read(topic, partition, offset, **limits)


def test_a_partition_that_stands_still_is_joined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidelight_logger.joiner.serving.STALLED_SECONDS", 0.05)
    foreign, ours, stop = MemoryLog(), Stalling(1, random.Random(0)), threading.Event()
    spread(foreign, halves_of(1), [0])
    joining, importing = shifts_of(foreign, ours, stop)
    loops = threading.Thread(target=run, args=(stop, joining, importing))
    loops.start()
    try:
        deadline = time.monotonic() + 60
        while ours.joined < 2 or not ours.span(INFERENCE, 0).end:
            assert time.monotonic() < deadline
            stop.wait(0.01)
    finally:
        stop.set()
        loops.join(10)
    assert [one.outcome for one in exchanges_in(ours)] == ["answered"]


def test_both_loops_end_when_they_are_told_to() -> None:
    foreign, ours, stop = MemoryLog(), MemoryLog(), threading.Event()
    spread(foreign, halves_of(1), [0])
    joining, importing = shifts_of(foreign, ours, stop)
    loops = threading.Thread(target=run, args=(stop, joining, importing))
    loops.start()
    while not exchanges_in(ours):
        stop.wait(0.01)
    stop.set()
    loops.join(10)
    assert not loops.is_alive()
    assert ours._positions["joiner", HALVES, 0].offset == 2, "what was folded is committed"


def test_when_one_loop_breaks_the_other_ends_and_the_reason_is_raised() -> None:
    foreign, ours, stop = MemoryLog(), MemoryLog(), threading.Event()
    joining, importing = shifts_of(foreign, ours, stop)

    def break_down(member: Membership, partition: int) -> ForeignPartition:
        raise ZeroDivisionError

    importing.crew._hire = break_down
    with pytest.raises(ZeroDivisionError):
        run(stop, joining, importing)


def test_another_process_that_holds_the_group_is_waited_for() -> None:
    foreign, ours, stop = MemoryLog(), MemoryLog(), threading.Event()
    member = ours.join("joiner", HALVES)
    joining, _ = shifts_of(foreign, ours, stop)
    joining._try(0.0)
    assert "held" in joining.not_ready
    member.leave()
    joining._try(0.0)
    assert joining.not_ready == ""
