"""Findings of all detectors as they come over the wire: dumped as the detectors dump them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import orjson
import pytest

from sidelight.config.glossary import GlossaryEntry
from sidelight_dashboard.alarms.figures import drawable, sizes_figure
from sidelight_dashboard.alarms.sizes import Size, sizes_of
from sidelight_dashboard.alarms.told import Alarm, Suspect
from sidelight_dashboard.alarms.words import (
    allowed_words,
    because,
    evidence_words,
    headline,
    ratio_words,
    size_words,
    suspect_words,
)
from sidelight_dashboard.outliers.strange import Part, StrangeRow
from sidelight_dashboard.words.wording import Wording
from sidelight_detectors.alibi.finding import AlibiFinding
from sidelight_detectors.bias.finding import BiasFinding, GapFinding
from sidelight_detectors.contract import Finding
from sidelight_detectors.flips.finding import FlipFinding, FlipRate
from sidelight_detectors.joint.findings import JointFinding, PairFinding
from sidelight_detectors.performance.finding import MetricFinding, PerformanceFinding

GLOSSARY = {
    "sex": GlossaryEntry(name="Sex", values={"f": "women", "m": "men"}),
    "age": GlossaryEntry(name="age in years"),
}
WORDING = Wording(GLOSSARY)


def sizes(finding: Finding) -> tuple[Size, ...]:
    told: dict[str, Any] = {"finding": orjson.loads(orjson.dumps(finding))}
    return sizes_of(told, GLOSSARY)


def gap(group: str, value: float, verdict: Any) -> GapFinding:
    bounds = (value - 0.03, value + 0.03, -0.1, 0.1)
    names = ("statistical_parity_difference", "sex", group, "m")
    return GapFinding(*names, 200, 300, value, *bounds, verdict, 0.2, math.nan)


def size(value: float, low: float | None, high: float | None, *, is_beyond: bool = False) -> Size:
    return Size("effect", "age", value, low, high, None, 0.05, is_beyond)


def test_gaps_are_told_by_the_glossary_the_unfair_ones_first() -> None:
    gaps = (gap("x", 0.01, "fair"), gap("f", -0.3, "unfair"))
    first, second = sizes(BiasFinding(500, 1, 0.95, True, (), gaps))
    assert first.label == "Sex: women beside men"
    assert (first.is_beyond, first.allowed_low, first.rows) == (True, -0.1, 200)
    assert second.verdict == "within"


def test_flips_are_shares_beside_the_tolerance() -> None:
    rate = FlipRate("sex", "f", "m", 100, 12, 10, 2, 0.12, 0.06, 0.2, 0.07, "unfair")
    (told,) = sizes(FlipFinding(0, 1, 100, 0.01, 0.05, (rate,)))
    assert (told.label, told.value, told.allowed_high) == ("Sex: women as men", 0.12, 0.05)


def test_of_estimated_performance_only_the_judged_metric_has_a_limit() -> None:
    metrics = (
        MetricFinding("accuracy", 0.8, 0.78, 0.82, 0.9),
        MetricFinding("roc_auc", 0.7, 0.6, 0.8, 0.9),
    )
    finding = PerformanceFinding(
        500, 2000, 1, 0.01, 0.05, "accuracy", 0.83, True, metrics, ("0", "1"), ((1.0,),)
    )
    accuracy, auc = sizes(finding)
    assert accuracy.allowed_low == pytest.approx(0.85)
    assert (accuracy.is_beyond, auc.verdict) == (True, "no limit")


def test_the_joint_distribution_is_told_whole_and_by_pairs() -> None:
    pair = PairFinding(("age", "sex"), 0.1, 0.6, 0.001, 0.5, 0.4, 0.6, True)
    finding = JointFinding(500, 2000, 1, 0.05, 0.025, 0.1, 0.001, 0.3, 0.2, 0.4, 0.1, 0.2, (pair,))
    told = {one.what: one for one in sizes(finding)}
    assert told["effect"].is_beyond
    assert told["change of a correlation"].label == "age in years and Sex"


def test_of_alibi_detect_a_p_value_is_beyond_below_and_a_statistic_above_its_threshold() -> None:
    by_p = AlibiFinding(
        "KSDrift", 0, 1, 100, True, True, ("age", "sex"), (0.3, 0.1), (0.01, 0.3), (0.025, 0.025)
    )
    first, second = sizes(by_p)
    assert (first.label, first.verdict, second.verdict) == ("age in years", "beyond", "within")
    online = AlibiFinding("MMDDriftOnline", 0, 9, 9, True, True, ("age", "sex"), (2.0,), (), (1.0,))
    (told,) = sizes(online)
    assert (told.label, told.what, told.verdict) == ("all columns", "statistic", "beyond")


def test_a_segments_columns_come_beside_those_of_all_rows() -> None:
    column = {
        "column": "age", "effect": 0.2, "low": 0.1, "high": 0.3, "drifted": True, "rows": 40,
    }  # fmt: skip
    whole = {"columns": [column | {"effect": 0.1, "low": 0.01}], "tolerance": 0.05}
    segment = {"columns": [column], "tolerance": 0.05, "name": "country=DE"}
    told = sizes_of({**whole, "segment": segment}, GLOSSARY)
    assert [one.segment for one in told] == ["country=DE", ""]


def test_a_column_that_nobody_observed_has_no_size() -> None:
    column = {
        "column": "age", "effect": None, "low": 0, "high": 1, "drifted": False, "rows": 0,
    }  # fmt: skip
    assert sizes_of({"columns": [column], "tolerance": 0.05}, {}) == ()


@pytest.mark.parametrize(
    "data",
    [
        {"columns": [{"name": "age"}], "tolerance": 0.05},
        {"columns": 7},
        {"finding": {"gaps": [{"metric": 3}]}},
        {"finding": {"statistic": 1, "columns": None}},
        {"finding": 5},
        {"segment": "DE"},
    ],
)
def test_a_form_that_nobody_knows_has_no_sizes(data: dict[str, Any]) -> None:
    assert sizes_of(data, {}) == ()


def test_an_alarm_that_a_new_plan_ended_has_no_sizes() -> None:
    assert sizes_of({"is_drift": 1}, {}) == ()


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (size(0.01, 0.0, 0.04), "within"),
        (size(0.01, 0.0, 0.06), "not clear"),
        (size(0.2, 0.1, 0.3, is_beyond=True), "beyond"),
        (size(0.01, None, None), "within"),
    ],
)
def test_an_interval_that_reaches_beyond_the_limit_is_not_clear(one: Size, verdict: str) -> None:
    assert one.verdict == verdict


def test_sizes_are_sentences_with_bounds_and_limits() -> None:
    assert size_words(size(0.123, 0.1, 0.15)) == (
        "Effect of age: 0.123 (0.100 to 0.150); up to 0.05 is of no concern."
    )
    attack = {"episode": "e", "n": 16, "n_expected": 0.041}
    assert headline(sizes_of(attack, {})) == (
        "16 different queries around one row, where traffic like the reference brings 0.041."
    )
    assert headline(()) == ""


def test_what_is_allowed_is_told_from_both_sides() -> None:
    both = Size("ratio", "a", 1.0, None, None, 0.8, 1.25, False)
    least = Size("accuracy", "a", 1.0, None, None, 0.85, None, False)
    assert allowed_words(both) == "from 0.8 to 1.25"
    assert allowed_words(least) == "0.85 or more"


def alarm(detector: str, evidence: float | None, threshold: float | None) -> Alarm:
    return Alarm("i", "m", "1", "", detector, "raised", 1, None, "", "", evidence, threshold, ())


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (alarm("drift", 296.2, 65.8), "The e-value is 296; 65.8 raises the alarm."),
        (alarm("drift", 3.1e18, 1.0), "It is beyond its limit by a factor of 3.1e+18."),
        (alarm("alibi:a", 1.0, 1.0), ""),
        (
            alarm("drift", 1.8e308, 65.8),
            "The e-value is beyond all numbers; 65.8 raises the alarm.",
        ),
        (
            alarm("adversarial", 14.7, 14.28),
            "Such queries are 10^6.4 times likelier in an attack than in ordinary traffic;"
            " 10^6.2 times raises the alarm.",
        ),
        (alarm("drift", None, None), ""),
    ],
)
def test_evidence_is_named_by_what_it_is(told: Alarm, words: str) -> None:
    assert evidence_words(told) == words


def test_suspects_are_told_by_the_glossary() -> None:
    assert suspect_words(Suspect("", "age", 2.0), WORDING) == "age in years"
    assert suspect_words(Suspect("country=DE", "age", 2.0), WORDING) == "age in years in country=DE"
    of_bias = Suspect("", "false_positive_rate_difference of sex: f beside m", 9.0)
    assert (
        suspect_words(of_bias, WORDING) == "false positive rate difference of Sex: women beside men"
    )
    assert suspect_words(Suspect("", "sex: f as m", 9.0), WORDING) == "Sex: women as men"


def test_a_rows_reasons_are_told_before_the_parts_of_its_score() -> None:
    parts = (Part("age", 3.0), Part("sex", 1.0))
    row = StrangeRow("inference/0/1", 0, "1", "outlier", 1, 4.0, 0.01, 0.02, None, "", parts, ())
    assert because(row, WORDING) == "age in years, Sex"
    schema = StrangeRow(
        "inference/0/1", 0, "1", "schema", 1, 1.0, None, None, 0.5, "", parts, ("age: above",)
    )
    assert because(schema, WORDING) == "age: above"


def test_a_log_ratio_is_how_many_times_more_usual() -> None:
    assert ratio_words(math.log(27)) == "27 times"
    assert ratio_words(None) == "–"
    assert ratio_words(1e6).endswith("times")


def test_only_values_of_one_quantity_with_bounds_share_an_axis() -> None:
    told = (size(0.2, 0.1, 0.3, is_beyond=True), size(0.01, 0.0, 0.02), size(0.5, None, None))
    other = Size("ratio", "a", 1.0, 0.9, 1.1, 0.8, 1.25, False)
    drawn = drawable((*told, other))
    assert drawn == told[:2]
    beyond, within = sizes_figure(drawn)["data"]
    assert (within["y"], beyond["y"]) == ([1], [0])
    assert beyond["error_x"]["arrayminus"] == [pytest.approx(0.1)]
    assert drawable(()) == ()


def test_a_gap_is_written_as_the_page_of_bias_writes_it() -> None:
    gap = replace(size(0.139, 0.0678, 0.208), metric="false_positive_rate_difference")
    gap = replace(gap, what="false positive rate difference", allowed_low=-0.02, allowed_high=0.02)
    assert size_words(gap) == (
        "False positive rate difference of age: +13.9% (+6.8% to +20.8%);"
        " from −2.0% to +2.0% is of no concern."
    )


def test_of_those_that_are_as_sure_the_largest_comes_first() -> None:
    columns = [
        {"column": name, "effect": effect, "low": 0.0, "high": 0.2, "drifted": False, "rows": 9}
        for name, effect in (("a", 0.01), ("b", 0.04), ("c", 0.02))
    ]
    found = sizes_of({"columns": columns, "tolerance": 0.05}, {})
    assert [one.label for one in found] == ["b", "c", "a"]


@pytest.mark.parametrize("wrong", [{"low": {}}, {"high": "nan"}, {"effect": []}, {"rows": "many"}])
def test_what_is_no_number_is_no_size(wrong: dict[str, Any]) -> None:
    right = {"column": "a", "effect": 0.1, "low": 0.0, "high": 0.2, "drifted": True, "rows": 9}
    columns = [right, {**right, "column": "b", **wrong}]
    found = sizes_of({"columns": columns, "tolerance": 0.05}, {})
    assert [one.label for one in found] == ["a"]
    assert sizes_of({"columns": columns, "tolerance": {}}, {}) == ()
    assert sizes_of({"columns": [{**right, "column": {}}], "tolerance": 0.05}, {}) == ()
