"""A decider at its log: what it does with panes that are none, and with what nobody says again."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.errors import MalformedPayload
from sidelight.events.deadletters import from_event
from sidelight.events.records import from_record
from sidelight.log import Position, Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import DEAD_LETTERS, INFERENCE, PANES, RESULTS
from sidelight_detectors.adversarial.fold import Attacks
from sidelight_detectors.fitted import fit
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import DriftResult
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.deciding import GROUP, DecidingPartition
from sidelight_detectors.streaming.intake import Labelled, Sample, Sender
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from sidelight_detectors.streaming.trace import NO_TRACE
from sidelight_detectors.streaming.tracing import traced
from tests.detectors.labelling import people, settings
from tests.detectors.traffic import MODEL, SECOND, START_NS, plan, rows, traffic
from tests.detectors.watching import STILL, decided, panes_of, records_of, watch

PLAN = plan(window=100)


def panes() -> list[Pane]:
    """Three runs of 50 rows each."""
    log = MemoryLog()
    log.append(INFERENCE, traffic(rows(150, 3), per_exchange=10))
    watch(log, [PLAN], DetectorsSettings(run_rows=50))
    return panes_of(log)


def deciding(log: MemoryLog) -> DecidingPartition:
    return DecidingPartition(log, log.join(GROUP, PANES), 0, [PLAN], STILL)


def fewer_cells(pane: Pane) -> Pane:
    (part,) = pane.slices
    summary = replace(part.summary, counts=np.ones(3, np.int64))
    return replace(pane, slices=(replace(part, summary=summary),))


def of_another_plan(pane: Pane) -> Pane:
    (part,) = pane.slices
    return replace(pane, slices=(replace(part, summary=replace(part.summary, plan="ab" * 32)),))


def with_a_number_for_a_version(pane: Pane) -> Pane:
    (part,) = pane.slices
    return replace(pane, slices=(replace(part, version=5),))  # type: ignore[arg-type]


def of_no_partition(pane: Pane) -> Pane:
    return replace(pane, partition=7)


@pytest.mark.parametrize(
    "damage", [fewer_cells, of_another_plan, with_a_number_for_a_version, of_no_partition]
)
def test_a_pane_that_does_not_add_up_is_one_dead_letter_and_stops_nobody(
    damage: Callable[[Pane], Pane],
) -> None:
    log, (first, second, third) = MemoryLog(), panes()
    log.append(PANES, [pane.to_record() for pane in (first, damage(second), third)])
    found = deciding(log)
    judged = [output for output in decided(found) if isinstance(output, DriftResult)]
    (letter,) = [from_event(from_record(record)) for record in records_of(log, DEAD_LETTERS)]
    assert letter.error == MalformedPayload.__name__
    assert [result.seen.rows for result in judged] == [100]
    assert found.deciders[MODEL].chain.gaps == 1


def test_panes_of_the_release_before_are_dead_letters_that_say_so() -> None:
    """Their head followed on one length; what came after was no trace."""
    log, (first, second, third) = MemoryLog(), panes()
    head = zlib.compress(orjson.dumps({"format": 3, "model": MODEL, "slices": []}))
    old = Record(
        len(head).to_bytes(4, "big") + head + zlib.compress(b"", level=9),
        b"old",
        second.to_record().headers,
    )
    log.append(PANES, [first.to_record(), old, second.to_record(), third.to_record()])
    found = deciding(log)
    judged = [output for output in decided(found) if isinstance(output, DriftResult)]
    (letter,) = [from_event(from_record(record)) for record in records_of(log, DEAD_LETTERS)]
    assert "not a pane of format 4" in letter.message
    assert [result.seen.rows for result in judged] == [100]


def test_what_is_never_said_again_is_not_searched_for_at_every_start() -> None:
    log = MemoryLog()
    log.append(INFERENCE, traffic(rows(150, 3), per_exchange=10))
    watch(log, [PLAN], DetectorsSettings(run_rows=50))
    said = next(o for o in map(output_of, records_of(log, RESULTS)) if isinstance(o, DriftResult))
    log.append(RESULTS, [output_record(replace(said, id="said by another release"))])
    log.append(INFERENCE, traffic(rows(50, 4), per_exchange=10, first=100))
    watch(log, [PLAN], DetectorsSettings(run_rows=50))
    position = log.join(GROUP, PANES).committed(0)
    assert position is not None
    said_until = orjson.loads(zlib.decompress(position.note))["said"]
    assert said_until[RESULTS] == {"0": len(records_of(log, RESULTS))}


def unreadable(state: dict[str, Any]) -> dict[str, Any]:
    """As another build of the same release might have written it."""
    state["models"][MODEL]["watch"]["versions"] = [["1", "2"]]
    return state


def of_another_release(state: dict[str, Any]) -> dict[str, Any]:
    return state | {"format": 99}


@pytest.mark.parametrize("changed", [of_another_release, unreadable])
def test_a_state_that_cannot_be_read_begins_a_new_promise_and_repeats_nothing(
    changed: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    log = MemoryLog()
    found = deciding(log)
    first, second, third = panes()
    log.append(PANES, [first.to_record(), second.to_record()])
    decided(found)
    position = found._member.committed(0)
    assert position is not None
    state = changed(orjson.loads(zlib.decompress(position.note)))
    other = zlib.compress(orjson.dumps(state))
    found._member.commit({0: Position(position.offset, other)})
    before = records_of(log, RESULTS)
    found._member.leave()

    log.append(PANES, [third.to_record()])
    decided(deciding(log))

    said = records_of(log, RESULTS)[len(before) :]
    assert not {record.key for record in said} & {record.key for record in before}


def test_a_group_moved_to_the_beginning_by_hand_says_the_same_again() -> None:
    log = MemoryLog()
    found = deciding(log)
    log.append(PANES, [pane.to_record() for pane in panes()])
    decided(found)
    before = {record.key: record for record in records_of(log, RESULTS)}
    found._member.commit({0: Position(0)})
    found._member.leave()

    decided(deciding(log))

    assert {record.key: record for record in records_of(log, RESULTS)} == before


def labelled(plan: Plan, run: int, learned: Sequence[int] = ()) -> Pane:
    """A run of ten rows an hour after the one before, with labels of the rows at these offsets."""
    begin, time_ns = run * 10, START_NS + run * 3600 * SECOND
    parts = people(10, run)
    samples = [
        Sample(begin + at, time_ns, "1", parts.take(slice(at, at + 1)), Sender(f"id-{begin + at}"))
        for at in range(10)
    ]
    told = [Labelled(begin, time_ns, tuple((f"id-{at}", 0, 1.0) for at in learned))]
    scored = score(plan, samples)
    trace = traced(plan, 0, begin, scored.trails, told if learned else [])
    place = (0, begin, begin + 10, time_ns, plan.bucket_ns)
    return Pane(MODEL, plan.id, *place, scored.slices, scored.flags, trace)


@pytest.fixture(scope="module")
def remembering() -> Plan:
    both = {"labels": {"window_seconds": 600, "wait_seconds": 1800}, "adversarial": {}}
    return Plan(MODEL, fit(people(2000, 1), settings(detectors=both)), DetectorsSettings())


def restarted(plan: Plan, told: Sequence[tuple[int, Pane]], state: bytes) -> Decider:
    """One that goes on from that state, and was told all the panes there are."""
    decider = Decider(plan, 1)
    decider.restore(orjson.loads(state))
    for at, pane in told:
        if decider.needs_from is not None and at >= decider.needs_from:
            decider.remember(pane.trace, at)
    return decider


def saved(decider: Decider) -> bytes:
    return orjson.dumps(decider.saved(), option=orjson.OPT_NON_STR_KEYS)


def test_who_needs_no_pane_is_not_told_what_another_needs(remembering: Plan) -> None:
    """All windows are final and no label waits, while queries are still in memory."""
    told = [labelled(remembering, 0, [0, 1]), labelled(remembering, 1)]
    quiet = replace(labelled(remembering, 100), slices=(), trace=NO_TRACE)
    decider = Decider(remembering, 1)
    panes = [*told, *(replace(quiet, begin=20, end=20) for _ in range(3))]
    for at, pane in enumerate(panes):
        decider.accept(pane, at)
    folds = decider.watch.folds
    assert folds["labels"].needs_from is None
    assert folds["adversarial"].needs_from is not None

    again = restarted(remembering, list(enumerate(panes)), saved(decider))
    last = replace(labelled(remembering, 101, [0]), begin=20, end=30)
    assert again.accept(last, 9) == decider.accept(last, 9)
    assert saved(again) == saved(decider)


def test_a_pane_that_was_refused_is_not_remembered(remembering: Plan) -> None:
    log = MemoryLog()
    first, second = labelled(remembering, 0), labelled(remembering, 1)
    log.append(PANES, [first.to_record(), of_no_partition(first).to_record(), second.to_record()])
    member = log.join(GROUP, PANES)
    one = DecidingPartition(log, member, 0, [remembering], STILL)
    decided(one)
    other = DecidingPartition(log, member, 0, [remembering], STILL)
    decided(other)
    assert len(records_of(log, DEAD_LETTERS)) == 1
    assert saved(other.deciders[MODEL]) == saved(one.deciders[MODEL])
    fold = other.deciders[MODEL].watch.folds["adversarial"]
    assert isinstance(fold, Attacks)
    assert fold.memory.end == 20
