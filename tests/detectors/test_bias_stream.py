"""Bias in a stream: windows are told, an unfair model raises one alarm, metrics show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.fitted import fit
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import Alarm, Output, WindowResult
from sidelight_detectors.service.bias_metrics import MAX_GAPS, findings_of, gauges
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from tests.detectors.test_bias_metrics import MODEL, applicants

BIAS = {
    "protected": {"sex": {"privileged": "male"}},
    "metrics": ["statistical_parity_difference"],
    "tolerance": 0.3,
}
PANE = 200


def plan() -> Plan:
    detectors = {"bias": BIAS, "drift": {"window": 1000}}
    model = ModelSettings.model_validate({**MODEL, "detectors": detectors})
    return Plan("loans", fit(applicants(3000, 1), model), DetectorsSettings())


def refusing_women(rows: Columns) -> Columns:
    refused = (rows["sex"].values == "female") & (np.arange(len(rows)) % 4 > 0)
    rows["approved"].values[refused] = "no"
    return rows


def said(decider: Decider, panes: int, *, unfair: bool, seed: int = 100) -> Iterator[Output]:
    begin = seed
    for number in range(panes):
        rows = applicants(PANE, begin + number)
        sample = Sample(number, number + 1, "", refusing_women(rows) if unfair else rows)
        scored = score(decider.plan, [sample])
        assert not scored.refused
        place = (0, number, number + 1, number + 1, decider.plan.bucket_ns)
        pane = Pane("loans", decider.plan.id, *place, scored.slices, scored.flags)
        yield from decider.accept(pane)


def test_each_window_of_decisions_is_told_and_read_back() -> None:
    told = [one for one in said(Decider(plan(), 1), 15, unfair=False) if _is_bias(one)]

    assert len(told) == 3
    for one in told:
        assert isinstance(one, WindowResult)
        assert isinstance(one.finding, BiasFinding)
        assert one.finding.rows == 1000
        assert repr(output_of(output_record(one))) == repr(one)


def test_an_unfair_model_raises_one_alarm_that_names_whom_it_is_unfair_to() -> None:
    said_of = list(said(Decider(plan(), 1), 25, unfair=True))
    alarms = [one for one in said_of if isinstance(one, Alarm) and one.detector == "bias"]

    assert [alarm.change for alarm in alarms] == ["raised"]
    assert alarms[0].evidence > alarms[0].threshold
    assert "female" in str(alarms[0].suspects)


def test_a_fair_model_raises_none() -> None:
    alarms = [one for one in said(Decider(plan(), 1), 60, unfair=False) if isinstance(one, Alarm)]

    assert not [alarm for alarm in alarms if alarm.detector == "bias"]


def test_the_last_gaps_are_metrics_beside_what_is_allowed() -> None:
    decider = Decider(plan(), 1)
    for _ in said(decider, 10, unfair=True):
        pass

    named = [(("loans", version), one) for version, one in findings_of(decider.watch)]
    samples = {
        (sample.name, sample.labels["group"], sample.labels.get("method")): sample.value
        for family in gauges(named)
        for sample in family.samples
    }

    parity = ("female", "statistical_parity_difference")
    assert samples["sidelight_bias_gap", *parity] < -0.3
    assert samples["sidelight_bias_allowed_low", *parity] == -0.3
    assert samples["sidelight_bias_unfair", *parity] == 1
    rows = [samples["sidelight_bias_group_rows", sex, None] for sex in ("female", "male")]
    assert sum(rows) == pytest.approx(1000)


def test_metrics_of_ever_so_many_groups_are_bounded() -> None:
    decider = Decider(plan(), 1)
    for _ in said(decider, 10, unfair=True):
        pass
    ((version, finding),) = findings_of(decider.watch)
    unfair = next(gap for gap in finding.gaps if gap.verdict == "unfair")
    many = [replace(unfair, group=f"group {one}", verdict="fair") for one in range(2 * MAX_GAPS)]

    families = gauges([(("loans", version), replace(finding, gaps=(*many, unfair)))])
    samples = {family.name: family.samples for family in families}

    assert len(samples["sidelight_bias_gap"]) == MAX_GAPS
    assert samples["sidelight_bias_unfair"][0].labels["group"] == unfair.group
    assert [one.value for one in samples["sidelight_bias_gaps_untold"]] == [MAX_GAPS + 1]


def _is_bias(one: Output) -> bool:
    return isinstance(one, WindowResult) and one.detector == "bias"
