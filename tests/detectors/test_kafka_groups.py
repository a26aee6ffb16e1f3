"""Several real processes on a real broker, killed, paused, joined and left at random."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log import Record, open_log
from sidelight.log.testing import SharingLog
from sidelight.log.topics import ALARMS, DEAD_LETTERS, INFERENCE, PANES, RESULTS
from sidelight_detectors.results.events import output_of
from sidelight_detectors.results.findings import Alarm, OutlierResult
from sidelight_detectors.service.planning import fitted_plans
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.outbox import read_on
from sidelight_detectors.streaming.panes import Pane
from tests.detectors.fleet import PATIENCE_SECONDS, Fleet, configured, loaded
from tests.detectors.sharing import World
from tests.detectors.test_sharing import Judged, by_id, said, story
from tests.detectors.traffic import SECOND, START_NS, record, rows

Step = Callable[[Fleet], None]


class Case:
    """One story told to a fleet, and what a process alone makes of it."""

    def __init__(self, folder: Path, url: str, partitions: int, seed: int, count: int) -> None:
        config = configured(folder, url, partitions)
        self.plans = fitted_plans(loaded(config))
        self.log = open_log(loaded(config).log)
        self.partitions = partitions
        self.told = story(seed, count)
        self.read: dict[tuple[str, int], list[Record]] = {}
        self.fleet = Fleet(config, random.Random(seed))

    def close(self) -> None:
        self.fleet.close()
        self.log.close()

    def tell(self, steps: list[Step], seconds: float) -> None:
        """The story in as many parts as there are steps, each followed by its step."""
        size = -(-len(self.told) // len(steps))
        for number, step in enumerate(steps):
            self.log.append(INFERENCE, self.told[number * size : (number + 1) * size])
            step(self.fleet)
            time.sleep(seconds)
        self.fleet.wake()

    def end(self) -> None:
        """A last exchange a partition closes all windows before it."""
        late = {"time_ns": START_NS + 100_000 * SECOND, "log_id": "logger", "model": "income"}
        for number in range(self.partitions):
            last = record(rows(1, 1), 90_000 + number, sequence=10_000, **late)
            self.log.append(INFERENCE, [last], partition=number)
        until(self.is_done, self.fleet.last_words)
        self.fleet.end_all()

    def alone(self) -> SharingLog:
        """What one process makes of the same log, in memory."""
        log = SharingLog(self.partitions)
        for number in range(self.partitions):
            log.append(INFERENCE, self.records(INFERENCE, number), partition=number)
        World(log, list(self.plans.values()), DetectorsSettings(run_rows=25)).finish()
        return log

    def is_done(self) -> bool:
        """Whether all is scored, and all that follows from the panes is said."""
        ends = {(n, self.log.span(INFERENCE, n).end) for n in range(self.partitions)}
        said = self.said()
        for model, decider in self.folded().items():
            if set(decider.chain.saved()["expected"]) != ends:
                return False
            if self.keys[model] != {key for key, one in said.items() if _model(one) == model}:
                return False
        return True

    def folded(self) -> dict[str, Decider]:
        """A decider a model that has seen all panes; `keys` are those of what it says."""
        deciders = {name: Decider(plan, self.partitions) for name, plan in self.plans.items()}
        self.keys: dict[str, set[bytes]] = {model: set() for model in self.plans}
        for number in range(self.partitions):
            for one in self.records(PANES, number):
                pane = Pane.from_record(one)
                outputs = deciders[pane.model].accept(pane)
                self.keys[pane.model].update(output.id.encode() for output in outputs)
        return deciders

    def said(self) -> dict[bytes, Record]:
        return self.by_id(RESULTS) | self.by_id(ALARMS)

    def by_id(self, topic: str) -> dict[bytes, Record]:
        """Each once; what is said twice must be the same."""
        found: dict[bytes, Record] = {}
        for number in range(self.partitions):
            for one in self.records(topic, number):
                assert found.setdefault(one.key, one) == one
        return found

    def records(self, topic: str, partition: int) -> list[Record]:
        """All there are by now; what was read before is not read again."""
        held = self.read.setdefault((topic, partition), [])
        held += [one.record for one in read_on(self.log, topic, partition, len(held))]
        return held

    def check(self) -> None:
        """Nothing lost, nothing changed, no partition left behind."""
        other = self.alone()
        last = START_NS + 50_000 * SECOND
        found, expected = independent(self.said(), last), independent(said(other), last)
        assert found == expected
        assert len(found) > 5
        assert self.by_id(DEAD_LETTERS).keys() == by_id(other, DEAD_LETTERS).keys()
        for decider in self.folded().values():
            assert decider.chain.gaps == 0
            assert not decider.lost


def _model(one: Record) -> str:
    return output_of(one).about.model


def independent(said: dict[bytes, Record], last_ns: int) -> dict[bytes, Record]:
    """Event-time windows before the last exchanges, their alarms, flagged rows."""
    return {
        key: one
        for key, one in said.items()
        if isinstance(output := output_of(one), Judged | Alarm | OutlierResult)
        and output.about.model != "counted"
        and (output.time_ns if isinstance(output, OutlierResult | Alarm) else output.seen.last_ns)
        < last_ns
    }


def until(done: Callable[[], bool], why: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline, why()
        time.sleep(0.3)


def run(case: Case, steps: list[Step], seconds: float) -> None:
    try:
        case.tell(steps, seconds)
        case.end()
        case.check()
    finally:
        case.close()


def both(one: Step, other: Step) -> Step:
    def step(fleet: Fleet) -> None:
        one(fleet)
        other(fleet)

    return step


def test_shared_out_killed_paused_and_left_windows_and_alarms_stay_the_same(
    tmp_path: Path, kafka_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case = Case(tmp_path, kafka_url, partitions=3, seed=1, count=60)
    steps = [
        both(Fleet.start_working, Fleet.start_working),
        Fleet.pause,
        Fleet.start,
        both(Fleet.wake, Fleet.kill),
        Fleet.leave,
    ]
    run(case, steps, 2.0)


def anything(most: int) -> Step:
    """One process starts, is killed, paused, woken or ends; never the last one that is awake."""

    def step(fleet: Fleet) -> None:
        awake = len(fleet.living) - len(fleet.paused)
        choices = [Fleet.start] * (2 if len(fleet.living) < most else 0)
        choices += [Fleet.kill, Fleet.pause, Fleet.leave] if awake > 1 else []
        choices += [Fleet.wake] * (2 if fleet.paused else 0)
        fleet.chance.choice(choices or [Fleet.wake])(fleet)

    return step


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_whatever_happens_to_one_to_four_processes_windows_and_alarms_stay_the_same(
    tmp_path: Path, kafka_url: str, monkeypatch: pytest.MonkeyPatch, partitions: int, seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    case = Case(tmp_path, kafka_url, partitions, seed, count=150)
    run(case, [Fleet.start, *[anything(seed + 1)] * 12], 4.0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_storm_of_joining_and_leaving_loses_nothing_and_leaves_no_partition_behind(
    tmp_path: Path, kafka_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    case = Case(tmp_path, kafka_url, partitions=16, seed=9, count=300)
    run(case, [*[Fleet.start] * 4, *[Fleet.leave, Fleet.start, Fleet.kill, Fleet.start] * 20], 2.0)
