"""Windows by segment, sliding windows, versions against each other, the rows behind an alarm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import orjson
import pytest
from scipy import stats

from sidelight.config.detecting.drift import DriftSettings
from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError
from sidelight.log import Address
from sidelight.tensors import Columns
from sidelight_detectors.alarms.windows import WindowRule
from sidelight_detectors.contract import DriftGlance
from sidelight_detectors.drift.between import WindowsJudge
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import (
    Alarm,
    ComparisonResult,
    DriftResult,
    Output,
    UnjudgedResult,
)
from sidelight_detectors.segments import POOLED
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.judging import Judgement, findings_of
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from tests.detectors.traffic import MODEL, SECOND, START_NS, plan, rows, settings

WINDOWS = {"rule": "windows"}
APART = plan(window=200, by="sex", min_rows=50, alarm=WINDOWS)
SLIDING = plan(window=100, slide=10, alarm=WINDOWS)
PAIRED = plan(window=100, alarm=WINDOWS)


class Story:
    """Runs of one partition, one after the other, and what a decider says of them."""

    def __init__(self, of: Plan) -> None:
        self.plan = of
        self.decider = Decider(of, 1)
        self.number = 0
        self.counted: dict[str, int] = {}

    def tell(
        self, shift: float = 0.0, count: int = 100, version: str = "", per_exchange: int = 1
    ) -> list[Output]:
        everything = rows(count, 100 + self.number, shift)
        begin = self.number
        samples = []
        for start in range(0, count, per_exchange):
            part = everything.take(slice(start, start + per_exchange))
            samples.append(Sample(self.number, START_NS + self.number * SECOND, version, part))
            self.number += 1
        scored = score(self.plan, samples, self.counted)
        self.counted = dict(scored.counted)
        place = (0, begin, self.number, START_NS + self.number * SECOND, self.plan.bucket_ns)
        pane = Pane(MODEL, self.plan.id, *place, scored.slices, scored.flags)
        return self.decider.accept(Pane.from_record(pane.to_record()))

    def restart(self) -> None:
        saved = orjson.loads(orjson.dumps(self.decider.saved()))
        self.decider = Decider(self.plan, 1)
        self.decider.restore(saved)


T = TypeVar("T")


def of(kind: type[T], outputs: list[Output]) -> list[T]:
    return [output for output in outputs if isinstance(output, kind)]


def test_the_segments_of_the_reference_add_up_to_it() -> None:
    fitted = APART.fitted
    parts = [fitted.reference_of(name) for name in fitted.scopes[1:]]
    assert fitted.scopes == ("", "f", "m", POOLED)
    assert sum(part.rows for part in parts) == fitted.rows
    assert np.array_equal(np.sum([part.counts for part in parts], axis=0), fitted.reference)


def test_a_numeric_column_is_cut_at_its_quartiles() -> None:
    fitted = fit(rows(2000, 1), settings(by="age"))
    sizes = [fitted.reference_of(name).rows for name in fitted.scopes[1:]]
    assert fitted.scopes[1].startswith("(-inf, ")
    assert sizes[:4] == pytest.approx([500] * 4, abs=10)
    assert sizes[4] == 0


def test_segments_survive_a_file(tmp_path: Path) -> None:
    APART.fitted.save(tmp_path / "fitted.npz")
    again = Fitted.load(tmp_path / "fitted.npz")
    assert again.plan == APART.fitted.plan
    assert again.scopes == APART.fitted.scopes


def test_a_segment_column_that_is_not_watched_is_named() -> None:
    with pytest.raises(ConfigError, match="'country' is no watched column"):
        fit(rows(500, 1), settings(by="country"))


def test_rare_segments_are_pooled_and_answer_not_enough_data() -> None:
    few = plan(window=200, by="sex", min_reference_rows=900, alarm=WINDOWS)
    assert few.fitted.scopes == ("", "m", POOLED)
    said = Story(few).tell(count=200)
    assert [result.about.segment for result in of(DriftResult, said)] == ["", "m", POOLED]


def test_each_segment_is_judged_at_its_part_of_alpha_or_told_to_be_too_small() -> None:
    said = Story(APART).tell(count=200)
    whole = of(DriftResult, said)[0]
    assert whole.finding.alpha == pytest.approx(0.05 / 4 * 6 / np.pi**2)
    assert {result.about.segment for result in of(DriftResult, said)} == {"", "f", "m"}
    small = plan(window=40, by="sex", min_rows=39, alarm=WINDOWS)
    said = Story(small).tell(count=40)
    assert [result.about.segment for result in of(UnjudgedResult, said)] == ["f", "m"]
    assert all("39 are needed" in result.reason for result in of(UnjudgedResult, said))


def test_one_answer_a_window_and_not_one_a_pane() -> None:
    story = Story(plan(window=100, by="sex", min_rows=90, alarm=WINDOWS))
    said = [output for _ in range(10) for output in story.tell(count=10)]
    assert len(of(UnjudgedResult, said)) == 2


def test_a_drift_of_one_segment_names_it() -> None:
    story = Story(APART)
    shifted = story_of_women(story)
    (alarm,) = of(Alarm, shifted)
    assert {suspect.segment for suspect in alarm.suspects} <= {"", "f"}
    assert output_of(output_record(alarm)) == alarm


def story_of_women(story: Story) -> list[Output]:
    """Only women's ages move."""
    said: list[Output] = []
    for _ in range(3):
        everything = rows(200, 7 + story.number)
        women = everything["sex"].values == "f"
        age = everything["age"].values + np.where(women, 12.0, 0.0)
        moved = type(everything).of(
            age=age, sex=everything["sex"].values, score=everything["score"].values
        )
        sample = Sample(story.number, START_NS + story.number * SECOND, "", moved)
        scored = score(story.plan, [sample])
        place = (0, story.number, story.number + 1, sample.time_ns, story.plan.bucket_ns)
        story.number += 1
        said += story.decider.accept(Pane(MODEL, story.plan.id, *place, scored.slices))
    return said


def test_a_sliding_window_is_judged_at_every_slide_and_told_when_it_is_fresh() -> None:
    story = Story(SLIDING)
    said = [output for _ in range(12) for output in story.tell(count=25)]
    tally = story.decider.watch.versions[""].tally("drift")
    assert tally.windows == (300 - 100) // 10 + 1
    assert [result.seen.rows for result in of(DriftResult, said)] == [100] * 3


def test_a_glance_says_what_the_whole_judgement_says() -> None:
    said = set()
    for seed in range(20):
        for number in (1, 50):
            summary = SLIDING.fitted.summarise(SLIDING.fitted.index(rows(100, seed, seed / 20)))
            whole = SLIDING.fitted.judge(summary, number)
            seen = SLIDING.fitted.glance(summary, number)
            assert (seen.rows, seen.is_drift) == (whole.rows, whole.is_drift)
            said.add(seen.is_drift)
    assert said == {True, False}


def test_a_sliding_alarm_is_cleared_after_whole_windows() -> None:
    story = Story(plan(window=100, slide=10, alarm={"rule": "windows", "clear_after": 2}))
    story.tell(count=200)
    said = story.tell(count=100, shift=2.0)
    for _ in range(6):
        said += story.tell(count=100)
    raised, cleared = of(Alarm, said)
    assert (raised.change, cleared.change) == ("raised", "cleared")
    last = next(one for one in reversed(of(DriftResult, said)) if one.finding.is_drift)
    assert cleared.rows_seen - 300 >= 200
    assert last.seen.last_ns < cleared.time_ns


def test_a_window_in_which_a_segment_drifts_clears_no_alarm() -> None:
    found = Judgement("drift", "", 1, DriftGlance(100, False))
    part = Judgement("drift", "f", 1, DriftGlance(50, True))
    rule = WindowRule(1)
    told = [rule.judged(*one) for _ in range(3) for one in findings_of([found, part])]
    assert [verdict.change for verdict in told if verdict] == ["raised"]
    told = [rule.judged(*one) for one in findings_of([found])]
    assert [verdict.change for verdict in told if verdict] == ["cleared"]


def test_a_segment_is_measured_against_its_own_reference() -> None:
    everything = rows(400, 3)
    own = everything.take(everything["sex"].values == "f")
    summary = APART.fitted.summarise(APART.fitted.index(own))
    finding = APART.fitted.judge(summary, 1, "f")
    reference = rows(2000, seed=1)
    ages = reference["age"].values[reference["sex"].values == "f"]
    age = next(column for column in finding.columns if column.column == "age")
    measures = {measure.name: measure for measure in age.measures}
    assert {"mean", "wasserstein"} <= set(measures)
    difference = own["age"].values.mean() - ages.mean()
    assert measures["mean"].value == pytest.approx(difference / ages.std(), abs=2e-3)


def test_a_sliding_window_is_the_sum_of_its_last_rows() -> None:
    story, straight = Story(SLIDING), SLIDING.fitted
    for _ in range(6):
        story.tell(count=25)
    last = story.decider.watch._windows.last("")
    assert last is not None
    parts = [rows(25, 100 + 25 * number) for number in range(6)]
    whole = type(parts[0]).concatenate(parts).take(slice(50, 150))
    assert last.summary == straight.summarise(straight.index(whole))


def test_a_count_window_ends_at_the_exchange_that_fills_it() -> None:
    story = Story(PAIRED)
    said = [output for _ in range(9) for output in story.tell(count=35, per_exchange=7)]
    sizes = [result.seen.rows for result in of(DriftResult, said)]
    assert sizes == [105, 98, 98]


def test_a_restart_in_the_middle_of_sliding_changes_nothing() -> None:
    straight, broken = Story(SLIDING), Story(SLIDING)
    for _ in range(15):
        expected = straight.tell(count=25)
        assert broken.tell(count=25) == expected
        broken.restart()
        assert orjson.dumps(broken.decider.saved()) == orjson.dumps(straight.decider.saved())


def test_versions_of_one_time_are_compared_and_a_difference_is_an_alarm() -> None:
    story = Story(PAIRED)
    said: list[Output] = []
    for _ in range(4):
        said += story.tell(count=50, version="1")
        said += story.tell(count=50, version="2", shift=1.5)
    found = of(ComparisonResult, said)
    assert found
    assert all(result.about.version == "2" and result.about.against == "1" for result in found)
    assert found[0].finding.alpha == pytest.approx(0.05 * 6 / np.pi**2)
    alarms = [alarm for alarm in of(Alarm, said) if alarm.detector == "versions"]
    assert [alarm.about.against for alarm in alarms] == ["1"]
    outputs: list[Output] = [found[0], alarms[0]]
    assert [output_of(output_record(output)) for output in outputs] == outputs
    story.restart()
    assert [one.detector for one in story.decider.watch.raised()] == ["drift", "versions"]


def test_alike_versions_raise_no_alarm() -> None:
    story = Story(PAIRED)
    said: list[Output] = []
    for number in range(40):
        said += story.tell(count=50, version=str(number % 2))
    assert len(of(ComparisonResult, said)) >= 10
    assert not [alarm for alarm in of(Alarm, said) if alarm.detector == "versions"]


def test_two_windows_are_compared_as_scipy_compares_them() -> None:
    exact = fit(rows(2000, 1), settings(exact=True))
    judge = WindowsJudge(exact.grid, exact.reference, 100, 0.05, 0.05)
    one, other = rows(300, 5), rows(200, 6, shift=0.4)
    finding = judge.judge(exact.summarise(exact.index(one)), exact.summarise(exact.index(other)), 1)
    for column in finding.columns:
        if column.method == "ks":
            values = [each[column.column].values for each in (one, other)]
            expected = stats.ks_2samp(*values).statistic
            assert column.distance <= expected + 1e-12
            assert expected <= column.distance + column.distance_error + 1e-12


def test_an_alarm_names_rows_that_are_typical_of_the_change() -> None:
    story = Story(PAIRED)
    story.tell(count=100)
    (alarm,) = of(Alarm, story.tell(count=100, shift=2.0))
    assert 0 < len(alarm.rows) <= 5
    ratios = [row.log_ratio for row in alarm.rows]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] > 0
    assert all(row.address.offset >= 100 for row in alarm.rows)
    assert all(isinstance(row.address, Address) for row in alarm.rows)
    assert output_of(output_record(alarm)) == alarm


def test_an_alarm_between_windows_rests_on_the_rows_that_came_last() -> None:
    story = Story(plan(window=1000))
    story.tell(count=300)
    said: list[Output] = []
    while not of(Alarm, said):
        said += story.tell(count=100, shift=2.0)
    (alarm,) = of(Alarm, said)
    assert isinstance(alarm.result, DriftResult)
    assert alarm.result.seen.rows >= 300
    assert alarm.rows
    assert replace(alarm, id="") == replace(output_of(output_record(alarm)), id="")


def test_a_pane_of_a_thousand_rows_and_thirty_columns_is_small() -> None:
    random = np.random.RandomState(1)
    drawn = [
        Columns.of(**{f"x{number}": random.normal(size=count) for number in range(30)})
        for count in (20_000, 1000)
    ]
    names = dict.fromkeys((column.name for column in drawn[0]), "numeric")
    asked = {"features": names, "detectors": {"drift": {"measures": []}}}
    fitted = fit(drawn[0], ModelSettings.model_validate(asked))
    found = Plan(MODEL, fitted, DetectorsSettings())
    samples = [Sample(at, at, "", drawn[1].take(slice(at, at + 1))) for at in range(1000)]
    scored = score(found, samples)
    pane = Pane(MODEL, found.id, 0, 0, 1000, 1000, found.bucket_ns, scored.slices)
    assert sum(len(part.draw) for part in pane.slices) == 16
    assert len(pane.to_record().value) <= 5000
    assert Pane.from_record(pane.to_record()) == pane


def test_a_minimum_that_no_window_reaches_is_refused() -> None:
    with pytest.raises(ValueError, match="none could ever be judged"):
        DriftSettings(window=500, min_rows=600)
