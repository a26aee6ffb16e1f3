"""A new plan loses no window: what the old one left is judged by the old one, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import Settings
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, INFERENCE, PANES, RESULTS
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import (
    Alarm,
    DriftResult,
    Output,
    PromiseResult,
    UnjudgedResult,
)
from sidelight_detectors.service.fitting import folder_of
from sidelight_detectors.service.keeping import Keeping
from sidelight_detectors.streaming import deciding, rounds, scorer
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.deciding import DecidingPartition
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scorer import PartitionScorer
from tests.detectors import traffic
from tests.detectors.test_decider import pane, results
from tests.detectors.traffic import MODEL, rows
from tests.detectors.watching import (
    STILL,
    Crash,
    CrashingLog,
    Fuse,
    decided,
    panes_of,
    records_of,
    ticking,
)

SERVICE = DetectorsSettings(run_rows=25)
WINDOWED: dict[str, Any] = {"alarm": {"clear_after": 2, "rule": "windows"}}
OLD = traffic.plan(window=40, **WINDOWED)
NEW = traffic.plan(window=60, **WINDOWED)
ALL_ROWS = 330


@dataclass(frozen=True)
class Known:
    """An archive of some plans."""

    plans: tuple[Plan, ...] = (OLD, NEW)

    def plan(self, current: Plan, id: str) -> Plan | None:
        return next((plan for plan in self.plans if plan.id == id), None)

    def forget_before(self, current: Plan) -> None:
        """They stay."""


def succeeded(decider: Decider, plan: Plan, *known: Plan) -> Decider:
    """The decider of another plan, from what this one would save."""
    earlier = {one.id: one for one in known}
    successor = Decider(plan, decider.chain.partitions, earlier.get)
    successor.restore(orjson.loads(orjson.dumps(decider.saved())))
    return successor


def test_panes_of_the_old_plan_are_folded_until_the_first_of_the_new() -> None:
    decider = Decider(OLD, 1)
    decider.accept(pane(0, 30, of=OLD))
    successor = succeeded(decider, NEW, OLD)
    (result,) = results(successor.accept(pane(1, 30, of=OLD)))
    assert (result.about.plan, result.finding.rows, result.finding.window) == (OLD.id, 60, 1)
    assert successor.lost == {}


def test_the_open_window_is_judged_before_the_promise_of_the_new_plan_begins() -> None:
    decider = Decider(OLD, 1)
    decider.accept(pane(0, 30, of=OLD))
    said = succeeded(decider, NEW, OLD).accept(pane(1, 60, of=NEW))
    kinds = [type(output) for output in said if not isinstance(output, Alarm)]
    assert kinds[:2] == [DriftResult, PromiseResult]
    assert [output.about.plan for output in said[:2]] == [OLD.id, NEW.id]
    assert said[0].seen.rows == 30  # type: ignore[union-attr]


def test_an_open_window_of_few_rows_is_told_as_not_judged() -> None:
    decider = Decider(OLD, 1)
    decider.accept(pane(0, 5, of=OLD))
    first, *_ = succeeded(decider, NEW, OLD).accept(pane(1, 5, of=NEW))
    assert isinstance(first, UnjudgedResult)
    assert first.seen.rows == 5


def test_rows_of_a_window_whose_reference_is_gone_are_counted_as_lost() -> None:
    decider = Decider(OLD, 1)
    decider.accept(pane(0, 30, of=OLD))
    successor = succeeded(decider, NEW)
    assert successor.lost == {}  # the reference may be back before the new plan begins
    successor.accept(pane(1, 5, of=NEW))
    assert successor.lost == {"plan": 30}


def test_an_alarm_that_the_last_window_raises_ends_with_its_plan() -> None:
    decider = Decider(OLD, 1)
    decider.accept(pane(0, 39, shift=1.5, of=OLD))
    said = succeeded(decider, NEW, OLD).accept(pane(1, 5, of=NEW))
    changes = [(one.change, one.reason) for one in said if isinstance(one, Alarm)]
    assert changes == [("raised", "drift"), ("cleared", "new plan")]


def test_going_back_before_the_new_plan_began_changes_nothing() -> None:
    decider = Decider(OLD, 1)
    decider.accept(pane(0, 30, of=OLD))
    back = succeeded(succeeded(decider, NEW, OLD), OLD)
    assert back.saved() == decider.saved()


def test_what_comes_of_the_old_plan_after_the_new_began_is_counted() -> None:
    decider = Decider(OLD, 1)
    decider.accept(pane(0, 30, of=OLD))
    successor = succeeded(decider, NEW, OLD)
    successor.accept(pane(1, 5, of=NEW))
    assert successor.accept(pane(2, 7, of=OLD)) == []
    assert successor.lost == {"plan": 7}


def test_a_decider_that_is_not_updated_yet_counts_what_it_cannot_fold() -> None:
    decider = Decider(OLD, 1)
    decider.accept(pane(0, 30, of=OLD))
    assert decider.accept(pane(1, 9, of=NEW)) == []
    assert decider.lost == {"plan": 9}
    (result,) = results(decider.accept(pane(2, 10, of=OLD)))
    assert result.seen.rows == 40


def test_two_changes_before_a_decider_came_to_work_fold_each_pane_by_its_own_plan() -> None:
    third = traffic.plan(window=50, **WINDOWED)
    decider = Decider(OLD, 1)
    decider.accept(pane(0, 30, of=OLD))
    last = succeeded(decider, third, OLD, NEW)
    said = [
        one
        for number, of in enumerate((OLD, NEW, NEW, third), 1)
        for one in last.accept(pane(number, 30, of=of))
    ]
    promises = [one.about.plan for one in said if isinstance(one, PromiseResult)]
    assert promises == [NEW.id, third.id]
    assert [one.seen.rows for one in results(said)] == [60, 60]
    assert last.lost == {}


def told() -> list[Record]:
    return (
        traffic.traffic(rows(110, 2), 5)
        + traffic.traffic(rows(110, 3, shift=1.5), 5, first=100)
        + traffic.traffic(rows(110, 4), 5, first=200)
    )


def work(log: CrashingLog, plan: Plan, runs: int, decides: bool) -> None:
    """Scores up to `runs` runs, decides what there is, and ends in order."""
    scoring, member = log.join(scorer.GROUP, INFERENCE), log.join(deciding.GROUP, PANES)
    one = PartitionScorer(log, scoring, 0, {MODEL: plan}, SERVICE, STILL)
    decider = DecidingPartition(log, member, 0, [plan], ticking(0.3), Known())
    while one.position is None:
        rounds.poll(log, scoring, [one])
    for _ in range(runs):
        if not rounds.poll(log, scoring, [one]):
            break
        if decides:
            decider.step()
    if decides:
        rounds.close(log, scoring, [one])
        decided(decider)


def change(fuses: tuple[Fuse, Fuse], runs: int, decides: bool = True) -> MemoryLog:
    """The old plan works and dies somewhere, then the new one does, then the new one ends."""
    log = MemoryLog(1)
    log.append(INFERENCE, told())
    for fuse, plan, limit in ((fuses[0], OLD, runs), (fuses[1], NEW, 1000), (Fuse(), NEW, 1000)):
        crashing = CrashingLog(log, fuse)
        try:
            work(crashing, plan, limit, decides or plan is NEW)
        except Crash:
            pass
        finally:
            crashing.die()
    return log


def folded(log: MemoryLog) -> tuple[list[Output], Decider]:
    """All panes from the first, by a decider that knows both plans."""
    decider, said = Decider(NEW, 1, {OLD.id: OLD}.get), list[Output]()
    for one in panes_of(log):
        said += decider.accept(one)
    return said, decider


def check(log: MemoryLog) -> None:
    said, decider = folded(log)
    assert decider.lost == {}
    assert decider.chain.gaps == 0
    first = {one.begin: one.rows for one in reversed(panes_of(log))}
    assert sum(first.values()) == ALL_ROWS
    windows = [one for one in said if isinstance(one, DriftResult | UnjudgedResult)]
    left = ALL_ROWS - sum(one.seen.rows for one in windows)
    assert 0 <= left < 60
    expected = {record.key: record for record in map(output_record, said)}
    found = [record for topic in (RESULTS, ALARMS) for record in records_of(log, topic)]
    assert {record.key: record for record in found} == expected
    assert len(found) == len(said) == len(expected)


@pytest.mark.parametrize("before", [True, False])
def test_killed_at_any_step_the_old_plan_leaves_no_row_and_no_window_behind(before: bool) -> None:
    step, blown = 0, True
    while blown:
        step += 1
        fuse = Fuse(step, before)
        check(change((fuse, Fuse()), 7))
        blown = fuse.steps == 0
    assert step > 8


@pytest.mark.parametrize("before", [True, False])
def test_killed_at_any_step_the_new_plan_takes_over_all_the_same(before: bool) -> None:
    step, blown = 0, True
    while blown:
        step += 1
        fuse = Fuse(step, before)
        check(change((Fuse(12), fuse), 7))
        blown = fuse.steps == 0
    assert step > 8


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 14), st.booleans())
@settings(max_examples=12, deadline=None)
def test_wherever_both_are_killed_nothing_is_lost(
    first: int, second: int, runs: int, decides: bool
) -> None:
    check(change((Fuse(first), Fuse(second, before=False)), runs, decides))


def test_panes_left_unread_by_the_old_decider_are_judged_by_its_plan() -> None:
    log = change((Fuse(), Fuse()), 6, decides=False)
    check(log)
    plans = {one.about.plan for one in folded(log)[0] if isinstance(one, DriftResult)}
    assert plans == {OLD.id, NEW.id}


def test_a_reference_is_kept_as_long_as_its_plan_is_in_force(tmp_path: Path) -> None:
    keeping = Keeping(tmp_path)
    third = traffic.plan(window=80, **WINDOWED)
    for plan in (OLD, NEW, third):
        keeping.keep(MODEL, plan.fitted)
        keeping.keep(f"{MODEL}-b", plan.fitted)
    keeping.keep(MODEL, OLD.fitted)
    assert len(list(tmp_path.iterdir())) == 6
    found = keeping.plan(NEW, OLD.id)
    assert found is not None
    assert (found.id, found.model) == (OLD.id, MODEL)
    keeping.forget_before(NEW)
    assert len(list(tmp_path.glob(f"{MODEL}-*.npz"))) == 1 + 3
    assert keeping.plan(NEW, OLD.id) is None
    assert len(list(tmp_path.glob(f"{MODEL}-b-*.npz"))) == 3


def test_a_damaged_or_foreign_file_is_no_plan(tmp_path: Path) -> None:
    keeping = Keeping(tmp_path)
    keeping.place(MODEL, "0" * 32).write_bytes(b"nothing")
    (tmp_path / "notes.npz").write_bytes(b"mine")
    assert keeping.plan(NEW, OLD.id) is None
    keeping.forget_before(NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.npz"]


def test_configurations_of_two_logs_keep_their_references_apart() -> None:
    urls = ("kafka://127.0.0.1:9092/a", "kafka://127.0.0.1:9092/b", "one.db", "two.db")
    folders = [folder_of(Settings.model_validate({"log": {"url": url}})) for url in urls]
    assert len(set(folders)) == len(urls)
