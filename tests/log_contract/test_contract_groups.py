"""What every engine keeps for the groups that read."""

from __future__ import annotations

import os
from threading import Timer

import pytest

from sidelight.errors import Fenced, GroupBusy
from sidelight.log import Log, Position
from tests.log_contract.engines import PARTITIONS, LogEngine

HERE, THERE = 0, 1


def test_a_group_has_no_position_before_its_first_commit(log: Log) -> None:
    member = log.join("drift", "inference")
    assert member.committed(HERE) is None


def test_the_only_consumer_reads_every_partition(log: Log) -> None:
    claims = log.join("drift", "inference").claims()
    assert [claim.partition for claim in claims] == list(range(PARTITIONS))


def test_a_position_comes_back_with_its_note(log: Log) -> None:
    member = log.join("drift", "inference")
    member.commit({HERE: Position(7, b"to=9"), THERE: Position(3)})
    assert member.committed(HERE) == Position(7, b"to=9")
    assert member.committed(THERE) == Position(3, b"")
    member.commit({HERE: Position(9)})
    assert member.committed(HERE) == Position(9, b"")
    assert member.committed(THERE) == Position(3, b"")


def test_a_note_may_be_megabytes(log: Log) -> None:
    note = os.urandom(6 << 20)
    member = log.join("drift", "inference")
    member.commit({HERE: Position(1, note)})
    assert member.committed(HERE) == Position(1, note)


def test_groups_do_not_see_each_other(log: Log) -> None:
    drift, outliers = log.join("drift", "inference"), log.join("outliers / of: this?", "inference")
    drift.commit({HERE: Position(5)})
    outliers.commit({HERE: Position(8)})
    assert drift.committed(HERE) == Position(5)
    assert outliers.committed(HERE) == Position(8)


def test_a_second_consumer_is_told_who_holds_the_group(exclusive_engine: LogEngine) -> None:
    log = exclusive_engine.open()
    log.join("drift", "inference")
    with pytest.raises(GroupBusy, match="drift"):
        log.join("drift", "inference")


def test_a_second_consumer_may_wait_for_the_first_to_leave(exclusive_engine: LogEngine) -> None:
    log = exclusive_engine.open()
    first = log.join("drift", "inference")
    first.commit({HERE: Position(4)})
    leaving = Timer(0.1, first.leave)
    leaving.start()
    second = log.join("drift", "inference", wait_seconds=60)
    leaving.join()
    assert second.committed(HERE) == Position(4)


def test_who_was_replaced_changes_nothing_more(log: Log) -> None:
    first = log.join("drift", "inference")
    first.commit({HERE: Position(4, b"first")})
    first.leave()
    second = log.join("drift", "inference")
    with pytest.raises(Fenced, match="drift"):
        first.commit({HERE: Position(99), THERE: Position(99)})
    assert second.committed(HERE) == Position(4, b"first")
    assert second.committed(THERE) is None
    second.commit({HERE: Position(5)})
    first.leave()
    second.commit({HERE: Position(6)})
    assert second.committed(HERE) == Position(6)


def test_leaving_twice_is_leaving_once(log: Log) -> None:
    member = log.join("drift", "inference")
    member.leave()
    member.leave()
    log.join("drift", "inference")
