"""Rounds of the scorers of one process: what they say together costs one commit and one append."""

from __future__ import annotations

from collections.abc import Sequence

from sidelight.log import Log, Membership, Record
from sidelight.log.topics import PANES
from sidelight_detectors.streaming.panes import Pane, partition_of
from sidelight_detectors.streaming.run import Run
from sidelight_detectors.streaming.scorer import PartitionScorer


def poll(
    log: Log, member: Membership, scorers: Sequence[PartitionScorer], wait_seconds: float = 0.0
) -> list[Run]:
    """A bounded piece of work of each; the runs that were said.

    `member` holds the claims of all. Who got an error from it forgets all of them.
    """
    for one in scorers:
        one.advance(wait_seconds)
    return _say(log, member, scorers)


def close(log: Log, member: Membership, scorers: Sequence[PartitionScorer]) -> list[Run]:
    """Say what was taken in so far, and commit all of it."""
    for one in scorers:
        one.end()
    runs = _say(log, member, scorers)
    _commit(member, scorers)
    return runs


def _say(log: Log, member: Membership, scorers: Sequence[PartitionScorer]) -> list[Run]:
    _commit(member, scorers)
    for one in scorers:
        one.say_letters()
    _append(log, [pane for one in scorers for pane in one.panes])
    return [run for one in scorers if (run := one.said()) is not None]


def _commit(member: Membership, scorers: Sequence[PartitionScorer]) -> None:
    due = {one.partition: one.due for one in scorers}
    positions = {partition: position for partition, position in due.items() if position}
    if positions:
        member.commit(positions)
        for one in scorers:
            one.committed()


def _append(log: Log, panes: Sequence[Pane]) -> None:
    partitions = log.partitions(PANES)
    batches: dict[int, list[Record]] = {}
    for pane in panes:
        batches.setdefault(partition_of(pane.model, partitions), []).append(pane.to_record())
    for partition, batch in batches.items():
        log.append(PANES, batch, partition=partition)
