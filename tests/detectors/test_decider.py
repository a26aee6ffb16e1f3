"""The decider: which panes it accepts, when a promise begins, when alarms end."""

from __future__ import annotations

import math
from dataclasses import replace

import orjson
import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log import Address
from sidelight_detectors.alarms.windows import WindowRule
from sidelight_detectors.contract import DriftFinding
from sidelight_detectors.results.findings import (
    Alarm,
    DriftResult,
    Output,
    PromiseResult,
    UnjudgedResult,
)
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from sidelight_detectors.streaming.watch import LATER, MAX_VERSIONS
from tests.detectors.traffic import MODEL, SECOND, START_NS, plan, rows

PLAN = plan(window=100)


def pane(number: int, count: int = 50, shift: float = 0.0, of: Plan = PLAN, seed: int = 0) -> Pane:
    """Run `number` of partition 0: one exchange of `count` rows."""
    time_ns = START_NS + number * SECOND
    sample = Sample(number, time_ns, "", rows(count, seed or 100 + number, shift))
    scored = score(of, [sample] if count else [])
    place = (0, number, number + 1, time_ns, of.bucket_ns)
    return Pane(MODEL, of.id, *place, scored.slices, scored.flags)


def results(outputs: list[Output]) -> list[DriftResult]:
    return [output for output in outputs if isinstance(output, DriftResult)]


def alarms(outputs: list[Output]) -> list[Alarm]:
    return [output for output in outputs if isinstance(output, Alarm)]


def test_no_result_before_the_window_is_full() -> None:
    decider = Decider(PLAN, 1)
    assert results(decider.accept(pane(0, 50))) == []
    assert results(decider.accept(pane(1, 49))) == []
    (result,) = results(decider.accept(pane(2, 1)))
    assert result.seen.rows == result.finding.rows == 100
    (stretch,) = result.seen.exchanges
    assert (stretch.first, stretch.last) == (
        Address("inference", 0, 0),
        Address("inference", 0, 2),
    )


def test_a_pane_said_twice_counts_once() -> None:
    decider = Decider(PLAN, 1)
    decider.accept(pane(0))
    assert decider.accept(pane(0)) == []
    assert decider.watch.versions[""].rows == 50
    assert decider.chain.overlaps == 1


def test_a_run_without_a_pane_is_counted_as_a_gap() -> None:
    decider = Decider(PLAN, 1)
    decider.accept(pane(0))
    decider.accept(pane(7))
    assert decider.chain.gaps == 1
    assert decider.watch.versions[""].rows == 100


def test_empty_panes_keep_the_chain_whole() -> None:
    decider = Decider(PLAN, 1)
    for number in range(3):
        decider.accept(pane(number, 0))
    assert decider.chain.gaps == 0
    assert decider.watch.versions == {}


def test_the_first_pane_of_a_plan_begins_its_promise() -> None:
    decider = Decider(PLAN, 1)
    (promise,) = decider.accept(pane(3, 0))
    assert isinstance(promise, PromiseResult)
    assert promise.begins_at == Address("inference", 0, 3)
    assert promise.about.plan == PLAN.id
    assert "0.05" in promise.text
    assert decider.accept(pane(4, 0)) == []


def test_an_alarm_is_raised_once_and_cleared_after_quiet_windows() -> None:
    decider = Decider(PLAN, 1)
    said = [decider.accept(pane(number, 100)) for number in range(3)]
    said += [decider.accept(pane(number, 100, shift=1.5)) for number in range(3, 6)]
    said += [decider.accept(pane(number, 100)) for number in range(6, 10)]
    told = {number: alarms(outputs) for number, outputs in enumerate(said) if alarms(outputs)}
    assert {number: [alarm.change for alarm in found] for number, found in told.items()} == {
        3: ["raised"],
        8: ["cleared"],
    }
    raised, cleared = told[3][0], told[8][0]
    assert raised.raised_by == cleared.raised_by == raised.id
    assert isinstance(raised.result, DriftResult)
    assert raised.result.id == results(said[3])[0].id
    assert raised.suspects[0].column == "age"
    assert raised.result.drifted[0].column == "age"
    assert cleared.reason == "quiet"


def test_each_window_spends_its_own_part_of_the_promise() -> None:
    decider = Decider(PLAN, 1)
    found = [results(decider.accept(pane(number, 100)))[0].finding for number in range(3)]
    assert [finding.window for finding in found] == [1, 2, 3]
    spent = [finding.alpha for finding in found]
    assert spent == pytest.approx([0.05 * 6 / math.pi**2 / k**2 for k in (1, 2, 3)])


def test_versions_have_windows_and_promises_of_their_own() -> None:
    decider = Decider(PLAN, 1)
    for number in range(4):
        each = pane(number, 60)
        (part,) = each.slices
        named = replace(each, slices=(replace(part, version=str(number % 2)),))
        found = results(decider.accept(named))
        assert [result.about.version for result in found] == ([str(number % 2)] * (number > 1))
        assert all(result.finding.window == 1 for result in found)


def test_versions_beyond_the_first_are_watched_together() -> None:
    decider = Decider(PLAN, 1)
    said: list[DriftResult] = []
    for number in range(MAX_VERSIONS + 30):
        (part,) = pane(number, 10, shift=3.0).slices
        named = replace(part, version=f"build {number}")
        said += results(decider.accept(replace(pane(number, 0), slices=(named,))))
    assert len(decider.watch.versions) == MAX_VERSIONS + 1
    assert [(result.about.version, result.finding.is_drift) for result in said] == [
        (LATER, True)
    ] * 3
    again = Decider(PLAN, 1)
    again.restore(orjson.loads(orjson.dumps(decider.saved())))
    assert again.saved() == decider.saved()


def test_a_new_plan_ends_the_alarm_and_begins_a_new_promise() -> None:
    decider = Decider(PLAN, 1)
    decider.accept(pane(0, 100, shift=1.5))
    changed = plan(window=50)
    successor = Decider(changed, 1)
    successor.restore(orjson.loads(orjson.dumps(decider.saved())))
    said = successor.accept(pane(1, 50, of=changed))
    cleared = alarms(said)[0]
    assert (cleared.change, cleared.reason, cleared.result) == ("cleared", "new plan", None)
    assert any(isinstance(output, PromiseResult) for output in said)
    assert results(said)[0].finding.window == 1


def test_an_alarm_of_the_old_plan_is_kept_until_the_new_one_begins() -> None:
    decider = Decider(PLAN, 1)
    decider.accept(pane(0, 100, shift=1.5))
    changed = plan(window=50)
    successor = Decider(changed, 1)
    successor.restore(orjson.loads(orjson.dumps(decider.saved())))
    third = Decider(changed, 1)
    third.restore(orjson.loads(orjson.dumps(successor.saved())))
    assert len(alarms(third.accept(pane(1, 10, of=changed)))) == 1


def test_panes_of_another_plan_are_lost_and_counted() -> None:
    decider = Decider(PLAN, 1)
    assert decider.accept(pane(0, 30, of=plan(window=50))) == []
    assert decider.lost == {"plan": 30}
    assert decider.chain.gaps == 0


def test_a_window_with_few_rows_answers_not_enough_data() -> None:
    timed = plan(window_seconds=60.0)
    decider = Decider(timed, 1)
    decider.accept(pane(0, 5, of=timed))
    said = decider.accept(replace(pane(1, 0, of=timed), watermark_ns=START_NS + 200 * SECOND))
    (unjudged,) = said
    assert isinstance(unjudged, UnjudgedResult)
    assert unjudged.seen.rows == 5
    assert "20" in unjudged.reason
    assert decider.watch.versions[""].tally("drift").windows == 0


def test_event_time_windows_wait_for_the_slowest_partition() -> None:
    timed = plan(window_seconds=60.0)
    decider = Decider(timed, 2)
    decider.accept(pane(0, 50, of=timed))
    late = START_NS + 500 * SECOND
    assert results(decider.accept(replace(pane(1, 0, of=timed), watermark_ns=late))) == []
    quiet = replace(pane(0, 0, of=timed), partition=1, watermark_ns=late)
    assert len(results(decider.accept(quiet))) == 1


def test_a_bucket_that_does_not_divide_the_window_becomes_the_window() -> None:
    whole = plan(DetectorsSettings(bucket_seconds=60.0), window_seconds=90.0)
    assert whole.bucket_ns == 90 * SECOND
    part = plan(DetectorsSettings(bucket_seconds=30.0), window_seconds=90.0)
    assert part.bucket_ns == 30 * SECOND


def finding(number: int, shift: float = 0.0) -> DriftFinding:
    summary = pane(number, 100, shift=shift).slices[0].summary
    return PLAN.fitted.judge(summary, 1)


def test_an_alarm_that_is_quiet_stays_quiet() -> None:
    rule = WindowRule(3)
    assert rule.judged("", finding(0)) is None
    assert not rule.active


def test_drift_in_between_starts_the_quiet_count_anew() -> None:
    rule, drifted, quiet = WindowRule(3), finding(0, shift=1.5), finding(0)
    assert rule.judged("", drifted) is not None
    told = [rule.judged("", one) for one in (quiet, quiet, drifted, quiet, quiet, quiet)]
    assert [one.change if one else None for one in told] == [None] * 5 + ["cleared"]
