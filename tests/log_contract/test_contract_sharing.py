"""What an engine keeps that shares the partitions of a group among its consumers."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

import pytest

from sidelight.errors import Fenced
from sidelight.log import Claim, Log, Membership, Position
from tests.log_contract.engines import PARTITIONS, LogEngine
from tests.log_contract.processes import line, run

EVERY = list(range(PARTITIONS))
PATIENCE_SECONDS = 60


class Group:
    """Consumers of one group, each asked by a thread of its own at a time."""

    def __init__(self, log: Log, pool: ThreadPoolExecutor) -> None:
        self._log = log
        self._pool = pool

    def join(self, beside: Sequence[Membership] = (), count: int = 1) -> list[Membership]:
        """New consumers, while those that are there go on asking for their claims."""
        joining = [self._pool.submit(self._log.join, "drift", "inference") for _ in range(count)]
        while not all(future.done() for future in joining):
            self.claims([*beside, *(future.result() for future in joining if future.done())])
        return [future.result() for future in joining]

    def submit(self, work: Callable[[int], None], offset: int) -> Future[None]:
        return self._pool.submit(work, offset)

    def claims(self, members: Sequence[Membership]) -> list[tuple[Claim, ...]]:
        return list(self._pool.map(lambda member: member.claims(), members))

    def until(
        self, members: Sequence[Membership], fits: Callable[[list[list[int]]], bool]
    ) -> list[tuple[Claim, ...]]:
        """Ask all of them until their partitions fit and cover the topic without overlap."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            claims = self.claims(members)
            held = [[claim.partition for claim in one] for one in claims]
            if sorted(chain(*held)) == EVERY and fits(held):
                return claims
            assert time.monotonic() < deadline, held


@pytest.fixture
def group(sharing_engine: LogEngine) -> Iterator[Group]:
    with ThreadPoolExecutor(8) as pool:
        yield Group(sharing_engine.open(), pool)


def all_have_some(held: list[list[int]]) -> bool:
    return all(held)


def test_consumers_share_the_partitions_and_none_is_claimed_twice(group: Group) -> None:
    members = group.join(count=2)
    group.until(members, all_have_some)


def test_who_leaves_hands_over_at_once(group: Group) -> None:
    stays, leaves = group.join(count=2)
    group.until([stays, leaves], all_have_some)
    leaves.leave()
    group.until([stays], all_have_some)


def test_more_consumers_than_partitions_leave_some_without(group: Group) -> None:
    members = group.join(count=PARTITIONS + 2)
    group.until(members, lambda held: sum(map(bool, held)) == PARTITIONS)


def test_a_claim_given_again_is_another_claim(group: Group) -> None:
    [first] = group.join()
    before = set(first.claims())
    [second] = group.join([first])
    kept = set(group.until([first, second], all_have_some)[0])
    second.leave()
    after = set(group.until([first], all_have_some)[0])
    assert kept < before
    assert kept < after
    assert not (after - kept) & before


def test_only_who_claims_a_partition_commits_it(group: Group) -> None:
    members = group.join(count=2)
    mine, others = group.until(members, all_have_some)
    here, there = mine[0].partition, others[0].partition
    members[1].commit({there: Position(3, b"right")})
    with pytest.raises(Fenced, match="drift"):
        members[0].commit({here: Position(8), there: Position(8)})
    assert members[0].committed(here) is None
    assert members[0].committed(there) == Position(3, b"right")
    members[0].commit({here: Position(9)})
    assert members[1].committed(here) == Position(9)


def test_what_was_claimed_before_a_rebalance_is_not_committed_after_it(group: Group) -> None:
    [first] = group.join()
    first.claims()
    [second] = group.join([first])
    mine, moved = group.until([first, second], all_have_some)
    second.leave()
    group.until([first], all_have_some)
    [second] = group.join([first])
    group.until([first, second], all_have_some)
    with pytest.raises(Fenced):
        second.commit({claim.partition: Position(1) for claim in (*mine, *moved)})


def test_a_commit_while_others_come_and_go_is_kept_or_fenced(group: Group) -> None:
    [steady] = group.join()
    kept: dict[int, int] = {}

    def commit(offset: int) -> None:
        for claim in steady.claims():
            try:
                steady.commit({claim.partition: Position(offset, b"n" * 5000)})
            except Fenced:
                return
            kept[claim.partition] = offset

    for offset in range(1, 6):
        [guest] = group.join([steady])
        working = group.submit(commit, offset)
        while not working.done():
            group.claims([guest])
        working.result()
        guest.leave()
    group.until([steady], all_have_some)
    assert kept
    for partition, last in kept.items():
        assert steady.committed(partition) == Position(last, b"n" * 5000)


def test_a_killed_consumer_hands_over_within_the_session(
    sharing_engine: LogEngine, group: Group
) -> None:
    holder = run("tests.log_contract.group_holder", *holding(sharing_engine))
    committed = int(line(holder))
    holder.send_signal(signal.SIGKILL)
    said, _ = holder.communicate()
    committed = max([committed, *map(int, said.rpartition("\n")[0].split())])
    [heir] = group.join()
    group.until([heir], all_have_some)
    position = heir.committed(0)
    assert position is not None
    assert position.offset >= committed
    assert position == heir.committed(1)


def test_a_consumer_that_wakes_too_late_changes_nothing(
    sharing_engine: LogEngine, group: Group
) -> None:
    zombie = run("tests.log_contract.group_holder", *holding(sharing_engine))
    line(zombie)
    zombie.send_signal(signal.SIGSTOP)
    [heir] = group.join()
    group.until([heir], all_have_some)
    note = b"heir" * 5000
    heir.commit({0: Position(1, note), 1: Position(2, note)})
    zombie.send_signal(signal.SIGCONT)
    said, _ = zombie.communicate(timeout=PATIENCE_SECONDS)
    assert said.split()[-1] == "fenced"
    group.claims([heir])
    assert heir.committed(0) == Position(1, note)
    assert heir.committed(1) == Position(2, note)


def holding(engine: LogEngine) -> tuple[str, str]:
    return engine.settings().model_dump_json(), "drift"
