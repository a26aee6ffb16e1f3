"""A crash at any step, of the importer or the joiner, changes no exchange and loses none."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.log import Record
from sidelight.log.topics import HALVES
from sidelight_logger.joiner import pairing
from sidelight_logger.joiner.fold import TICK
from sidelight_logger.joiner.identity import Terms
from tests.detectors.watching import Crash, CrashingLog, Fuse
from tests.logger.joining import (
    TERMS,
    TimedLog,
    carry,
    contents,
    exchanges_in,
    folded,
    halves_of,
    join,
    kserve,
    letters_in,
    request_body,
    spread,
    told,
)

FUSES = st.builds(Fuse, st.integers(1, 30), st.booleans())


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many reads and commits, so that there is something to come between."""
    monkeypatch.setattr(pairing, "COMMIT_RECORDS", 5)
    monkeypatch.setattr("sidelight_logger.joiner.reading.MAX_RECORDS", 3)


def traffic(seed: int, numbers: int = 14) -> list[Record]:
    """Shuffled halves: some missing, some twice, some disputed, poison in between."""
    chance = random.Random(seed)
    sent = [half for number in range(numbers) for half in halves_of(number)]
    chance.shuffle(sent)
    del sent[: numbers // 4]
    sent += chance.sample(sent, numbers // 4)
    sent += [kserve("request", 99, request_body(at)) for at in range(2)]
    sent.insert(numbers // 2, Record(b"poison"))
    return sent


def half_log(seed: int) -> TimedLog:
    """A log that holds halves already, with time enough for some of them to expire."""
    foreign, ours = TimedLog(2), TimedLog(1, step_ns=TERMS.ttl_ns // 12)
    spread(foreign, traffic(seed), [0, 1, 1])
    carry(foreign, ours)
    ours.append(HALVES, [TICK])
    return ours


def with_same_halves(log: TimedLog) -> TimedLog:
    other = TimedLog(1, log.step_ns)
    other._records[HALVES, 0] = log._records[HALVES, 0]
    return other


def joined_with(log: TimedLog, crashes: Sequence[Fuse], terms: Terms = TERMS) -> None:
    for fuse in (*crashes, Fuse()):
        crashing = CrashingLog(log, fuse)
        try:
            join(crashing, terms)
        except Crash:
            continue
        finally:
            crashing.die()


def test_a_crash_of_the_joiner_at_every_single_step_changes_no_byte() -> None:
    log = half_log(1)
    undisturbed = with_same_halves(log)
    join(undisturbed)
    expected = told(undisturbed)
    assert expected == folded(log)
    step, blown = 0, True
    while blown:
        step += 1
        for before in (True, False):
            fuse, again = Fuse(step, before), with_same_halves(log)
            joined_with(again, [fuse])
            assert told(again) == expected, (step, before)
            blown = fuse.steps == 0
    assert step > 12


@given(st.integers(0, 1000), st.lists(FUSES, max_size=6), st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_any_series_of_crashes_of_the_joiner_changes_no_byte(
    seed: int, fuses: list[Fuse], kilobytes: int
) -> None:
    log, terms = half_log(seed), Terms(TERMS.ttl_ns, kilobytes << 12)
    joined_with(log, fuses, terms)
    assert told(log) == folded(log, terms)


def piped(foreign: TimedLog, ours: TimedLog, fuse: Fuse) -> None:
    """Importer and joiner in turns, in one process that may die."""
    logs = CrashingLog(foreign, fuse), CrashingLog(ours, fuse)
    try:
        carry(*logs)
        join(logs[1])
    finally:
        for log in logs:
            log.die()


@given(st.integers(0, 1000), st.lists(FUSES, max_size=6), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_crashes_of_both_lose_nothing_and_say_nothing_twice(
    seed: int, fuses: list[Fuse], partitions: int
) -> None:
    undisturbed = _through(seed, [], partitions)
    disturbed = _through(seed, fuses, partitions)
    assert contents(exchanges_in(disturbed)) == contents(exchanges_in(undisturbed))
    assert _by_account(told(disturbed)) == _by_account(folded(disturbed))
    letters = {record.key for record in letters_in(disturbed)}
    assert letters == {record.key for record in letters_in(undisturbed)}
    assert len(letters) == 1


def _through(seed: int, fuses: Sequence[Fuse], partitions: int) -> TimedLog:
    """Half the traffic, crashes, the rest, more crashes; then time passes."""
    foreign, ours = TimedLog(4), TimedLog(partitions)
    sent = traffic(seed)
    middle = len(sent) // 2
    for part, some in ((sent[:middle], fuses[::2]), (sent[middle:], fuses[1::2])):
        spread(foreign, part, [seed, seed // 7, 2, 3])
        for fuse in (*some, Fuse()):
            try:
                piped(foreign, ours, Fuse(fuse.steps, fuse.before))
            except Crash:
                continue
    ours.now_ns += TERMS.ttl_ns
    for partition in range(partitions):
        ours.append(HALVES, [TICK], partition=partition)
    join(ours)
    return ours


def _by_account(records: list[Record]) -> list[Record]:
    return sorted(records, key=lambda record: sorted(record.headers))


def test_records_that_are_carried_again_much_later_are_known_all_the_same() -> None:
    foreign, ours = TimedLog(1), TimedLog(1)
    spread(foreign, [half for number in range(6) for half in halves_of(number)], [0])
    with pytest.raises(Crash):
        piped(foreign, ours, Fuse(2, before=True))
    join(ours)
    ours.now_ns += 1000 * TERMS.ttl_ns
    carry(foreign, ours)
    (part,) = join(ours)
    assert part.fold.counts["repeated"] == 3
    found = exchanges_in(ours)
    assert len([one for one in found if one.outcome == "answered"]) == 5


def test_a_foreign_topic_that_is_made_anew_is_read_from_its_beginning() -> None:
    foreign, ours = TimedLog(1), TimedLog(1)
    spread(foreign, [half for number in range(6) for half in halves_of(number)], [0])
    carry(foreign, ours, "first")
    foreign._records.clear()
    spread(foreign, [half for number in range(10, 12) for half in halves_of(number)], [0])
    carry(foreign, ours, "second")
    join(ours)
    assert len(exchanges_in(ours)) == 8


@pytest.mark.soak
@pytest.mark.timeout(1800)
@given(st.integers(0, 10**6), st.lists(FUSES, max_size=20), st.integers(1, 3))
@settings(max_examples=1000, deadline=None)
def test_long_series_of_crashes_of_both_lose_nothing(
    seed: int, fuses: list[Fuse], partitions: int
) -> None:
    disturbed = _through(seed, fuses, partitions)
    undisturbed = _through(seed, [], partitions)
    assert contents(exchanges_in(disturbed)) == contents(exchanges_in(undisturbed))
    assert _by_account(told(disturbed)) == _by_account(folded(disturbed))
