"""Several processes share the work, come, go, freeze and crash: windows and alarms stay."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events import Body
from sidelight.log import Record
from sidelight.log.testing import MemoryLog, SharingLog
from sidelight.log.topics import ALARMS, DEAD_LETTERS, INFERENCE, RESULTS
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import (
    Alarm,
    DriftResult,
    OutlierResult,
    Output,
    UnjudgedResult,
)
from sidelight_detectors.results.reading import read_alarms, read_results
from sidelight_detectors.streaming.chain import Chain
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.sharing import PEACE, Trouble, World
from tests.detectors.traffic import MODEL, SECOND, START_NS, plan, record, rows
from tests.detectors.watching import panes_of, records_of, replayed

SERVICE = DetectorsSettings(run_rows=25)
TIMED = plan(window_seconds=60.0, alarm={"clear_after": 2}, service=SERVICE)
COUNTED = Plan("counted", plan(window=40).fitted, SERVICE)
OTHER = Plan("other", TIMED.fitted, SERVICE)
PLANS = [TIMED, COUNTED, OTHER]

Judged = DriftResult | UnjudgedResult

TROUBLES = st.builds(
    Trouble, st.sampled_from([0.0, 0.01]), st.sampled_from([0.0, 0.03]), st.sampled_from([0, 0.1])
)


def story(seed: int, count: int = 90) -> list[Record]:
    """Three models' exchanges, seconds apart, up to 20 s out of order, with a change, with poison.

    Some of them stand there twice, as after a shipper that was not sure.
    """
    mixed = random.Random(seed)
    told: list[Record] = []
    everything = {
        each.model: (rows(4 * count, seed + place), rows(4 * count, seed + place, shift=2.0))
        for place, each in enumerate(PLANS)
    }
    for number in range(count):
        for place, (model, sources) in enumerate(everything.items()):
            part = sources[count // 3 < number < 2 * count // 3]
            told.append(
                record(
                    part.take(slice(4 * number, 4 * number + 4)),
                    1000 * place + number,
                    model=model,
                    time_ns=START_NS + (5 * number + mixed.randrange(20)) * SECOND,
                    version=str(mixed.randrange(2)),
                    log_id="logger",
                    sequence=len(told) + 1,
                )
            )
        told += mixed.choices(told[-20:], k=mixed.random() < 0.15)
    told.insert(count, Record(b"no event at all", b"k"))
    bad = Body(b"{", "application/json", size=1)
    told.insert(2 * count, record(rows(2, 3), 9000, time_ns=START_NS, request=bad))
    return told


def world(log: SharingLog, trouble: Trouble = PEACE) -> World:
    return World(log, PLANS, SERVICE, trouble)


def by_id(log: MemoryLog, topic: str) -> dict[bytes, Record]:
    """Each once; what is said twice must be the same."""
    found: dict[bytes, Record] = {}
    for one in records_of(log, topic):
        assert found.setdefault(one.key, one) == one
    return found


def said(log: MemoryLog) -> dict[bytes, Record]:
    return by_id(log, RESULTS) | by_id(log, ALARMS)


def independent_of_cuts(log: MemoryLog) -> dict[bytes, Record]:
    """Event-time windows, alarms and flagged rows."""
    return {
        key: record
        for key, record in said(log).items()
        if isinstance(output_of(record), Judged | Alarm | OutlierResult)
        and output_of(record).about.model != COUNTED.model
    }


def test_a_process_alone_tells_the_whole_story() -> None:
    log = alone(0, 3)
    outputs = [output_of(one) for one in said(log).values()]
    timed = [one for one in outputs if isinstance(one, Judged) and one.about.model == MODEL]
    assert len(timed) > 8
    assert sum(one.seen.rows for one in timed) == 360
    assert {one.change for one in outputs if isinstance(one, Alarm)} == {"raised", "cleared"}
    assert len(records_of(log, DEAD_LETTERS)) == 2
    assert len(records_of(log, RESULTS)) == len(by_id(log, RESULTS))


def test_a_whole_topic_that_is_sent_again_changes_nothing() -> None:
    log = SharingLog(3)
    log.append(INFERENCE, story(0))
    world(log).finish()
    log.append(INFERENCE, story(0))
    world(log).finish()
    assert independent_of_cuts(log) == independent_of_cuts(alone(0, 3))
    for each in PLANS:
        decider = Decider(each, 3)
        for pane in panes_of(log):
            if pane.model == each.model:
                decider.accept(pane)
        assert not decider.lost
        assert sum(state.rows for state in decider.watch.versions.values()) == 360


def test_what_is_said_twice_is_read_once() -> None:
    log = SharingLog(3)
    log.append(INFERENCE, story(0))
    world(log).finish()
    once = read_ids(log)
    assert len(once) > 20
    for topic in (RESULTS, ALARMS):
        for number in range(3):
            log.append(topic, [one.record for one in log.read(topic, number, 0)], partition=number)
    assert read_ids(log) == once


def read_ids(log: SharingLog) -> list[str]:
    results = [told.output.id for told in read_results(log)]
    return results + [told.output.id for told in read_alarms(log)]


@given(st.randoms(use_true_random=False), st.sampled_from([1, 3, 8]), st.integers(1, 4), TROUBLES)
@settings(max_examples=8, deadline=None)
def test_shared_work_says_what_a_process_alone_says(
    chance: random.Random, partitions: int, processes: int, trouble: Trouble
) -> None:
    check(chance, partitions, processes, trouble)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(300))
def test_shared_work_says_the_same_in_every_story(seed: int) -> None:
    chance = random.Random(seed)
    trouble = Trouble(chance.choice([0, 0.01]), chance.choice([0, 0.03]), chance.choice([0, 0.1]))
    check(chance, chance.choice([1, 3, 8]), chance.randrange(1, 5), trouble)


@cache
def alone(seed: int, partitions: int) -> SharingLog:
    """What one undisturbed process makes of a story."""
    log = SharingLog(partitions)
    log.append(INFERENCE, story(seed))
    world(log).finish()
    return log


def check(chance: random.Random, partitions: int, processes: int, trouble: Trouble) -> None:
    seed = chance.randrange(3)
    told, expected = story(seed), alone(seed, partitions)
    log = SharingLog(partitions, chance)
    together = world(log, trouble)
    for start in range(0, len(told), 40):
        log.append(INFERENCE, told[start : start + 40])
        together.work(chance.randrange(60), processes)
    together.finish()

    assert independent_of_cuts(log) == independent_of_cuts(expected)
    assert by_id(log, DEAD_LETTERS).keys() == by_id(expected, DEAD_LETTERS).keys()
    for each in PLANS:
        assert_folded(log, each)
        assert_tiled(log, each)


def assert_folded(log: SharingLog, each: Plan) -> None:
    """What was said of the model is what its panes give in their order, count windows included."""
    outputs: list[Output] = replayed(log, each)
    folded = {one.key: one for one in map(output_record, outputs)}
    found = {k: one for k, one in said(log).items() if output_of(one).about.model == each.model}
    assert found == folded


def assert_tiled(log: SharingLog, each: Plan) -> None:
    """The accepted runs cover every partition once, and overlaps are of the very same runs."""
    chain = Chain(log.partitions(INFERENCE))
    runs: dict[int, list[tuple[int, int]]] = {}
    for pane in panes_of(log):
        if pane.model != each.model or pane.begin == pane.end:
            continue
        accepted = runs.setdefault(pane.partition, [])
        if chain.accept(pane):
            accepted.append((pane.begin, pane.end))
        else:
            assert (pane.begin, pane.end) in accepted
    assert chain.gaps == 0
    for partition in range(log.partitions(INFERENCE)):
        edges = [0, *(end for _, end in runs.get(partition, []))]
        assert [begin for begin, _ in runs.get(partition, [])] == edges[:-1]
        assert edges[-1] == log.span(INFERENCE, partition).end
