"""Bias is settled by the same join as realised performance, version by version."""

from __future__ import annotations

from functools import cache

import numpy as np
import orjson

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import Alarm, Output, WindowResult
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Labelled, Sample, Sender
from sidelight_detectors.streaming.panes import Pane, trace_of
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from sidelight_detectors.streaming.tracing import traced

SECOND, START = 1_000_000_000, 1_700_000_000
RUNS, ROWS, EVERY = 40, 250, 300


def decided(count: int, seed: int) -> Columns:
    """One model for two groups: of those who should be refused it grants women more often."""
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(count) < 0.5, "f", "m").astype(object)
    label = (rng.random(count) < 0.5).astype(np.int64)
    wrongly = np.where(sex == "f", 0.45, 0.1)
    answer = np.where(label == 1, rng.random(count) < 0.8, rng.random(count) < wrongly)
    return Columns.of(sex=sex, answer=answer.astype(np.int64), label=label)


@cache
def known() -> Fitted:
    return fit(
        decided(3000, 1),
        ModelSettings.model_validate(
            {
                "features": {"sex": {"categories": ["f", "m"]}},
                "outputs": {"answer": "categorical"},
                "outcome": {"prediction": "answer", "label": "label", "favorable": [1]},
                "detectors": {
                    "labels": {"window_seconds": 600, "wait_seconds": 900},
                    "bias": {
                        "protected": ["sex"],
                        "metrics": ["false_positive_rate_difference"],
                        "tolerance": 0.05,
                    },
                },
            }
        ),
    )


def panes(plan: Plan) -> list[Pane]:
    """Labels come with the next pane; of women every other row has none."""
    told: list[Pane] = []
    owed: list[Labelled] = []
    for run in range(RUNS):
        begin, time_ns = run * ROWS, (START + run * EVERY) * SECOND
        table = decided(ROWS, 100 + run)
        samples = [
            Sample(begin + n, time_ns, "1", table.take(slice(n, n + 1)), Sender(f"id-{begin + n}"))
            for n in range(ROWS)
        ]
        scored = score(plan, samples)
        assert not scored.refused
        trace = traced(plan, 0, begin, scored.trails, owed)
        place = (0, begin, begin + ROWS, time_ns, plan.bucket_ns)
        told.append(Pane("income", plan.id, *place, scored.slices, scored.flags, trace))
        label, sex = table["label"].values, table["sex"].values
        owed = [
            Labelled(begin + n, time_ns + SECOND, ((f"id-{begin + n}", 0, float(label[n])),))
            for n in range(ROWS)
            if sex[n] == "m" or n % 3 == 0
        ]
    return told


def said() -> list[Output]:
    plan = Plan("income", known(), DetectorsSettings())
    decider = Decider(plan, 1)
    return [one for at, pane in enumerate(panes(plan)) for one in decider.accept(pane, at)]


def test_the_gap_in_false_positives_is_settled_and_raises_its_alarm() -> None:
    outputs = said()

    settled = [
        one.finding
        for one in outputs
        if isinstance(one, WindowResult) and one.detector == "bias:labels"
    ]
    finals = [one for one in settled if isinstance(one, BiasFinding) and one.is_final]
    alarms = [one for one in outputs if isinstance(one, Alarm)]

    assert len(finals) >= 10
    assert np.mean([one.is_drift for one in finals]) > 0.7
    assert [(one.detector, one.change) for one in alarms if "labels" in one.detector] == [
        ("bias:labels", "raised")
    ]


def test_a_group_with_few_labels_is_a_warning() -> None:
    own = [
        one.finding
        for one in said()
        if isinstance(one, WindowResult) and isinstance(one.finding, LabelsFinding)
    ]

    told = [warning for finding in own if finding.is_final for warning in finding.warnings]

    assert told
    assert all(warning.startswith("sex f: 3") for warning in told)


def test_what_is_said_is_read_back_from_the_log() -> None:
    for one in said():
        assert repr(output_of(output_record(one))) == repr(one)


def test_a_decider_that_comes_back_goes_on_to_the_same_alarm() -> None:
    plan = Plan("income", known(), DetectorsSettings())
    told, whole, states = panes(plan), Decider(plan, 1), []
    outputs = []
    for at, pane in enumerate(told):
        outputs.append(whole.accept(pane, at))
        states.append(orjson.dumps(whole.saved(), option=orjson.OPT_NON_STR_KEYS))

    for dies in (3, 11, 29):
        again = Decider(plan, 1)
        again.restore(orjson.loads(states[dies]))
        for at in range(again.needs_from or 0, dies + 1):
            again.remember(trace_of(told[at].to_record()), at)
        for at in range(dies + 1, RUNS):
            assert repr(again.accept(told[at], at)) == repr(outputs[at])
            assert orjson.dumps(again.saved(), option=orjson.OPT_NON_STR_KEYS) == states[at]
