"""Bias by late labels: final windows are those of all labels at once, and they raise alarms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.bias.detector import BiasDetector
from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.labels.fold import LabelsFold
from sidelight_detectors.labels.joining import Terms
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import Alarm, Output, WindowResult
from sidelight_detectors.streaming.folds import Traced, Watched
from tests.detectors.labelling import SECOND, Asked, Event, Said, joined, stream
from tests.detectors.test_bias_metrics import MODEL, applicants

TERMS = Terms(600 * SECOND, 1800 * SECOND, 1_000_000, 900 * SECOND)
METRICS = ["false_positive_rate_difference"]


@cache
def fitted() -> Fitted:
    bias = {"protected": {"sex": {"privileged": "male"}}, "tolerance": 0.2, "metrics": METRICS}
    detectors = {"bias": bias, "labels": {"window_seconds": 600, "wait_seconds": 1800}}
    return fit(applicants(3000, 1), ModelSettings.model_validate({**MODEL, "detectors": detectors}))


def part() -> BiasDetector:
    found = fitted().parts["bias"]
    assert isinstance(found, BiasDetector)
    return found


def story(rng: np.random.Generator, rows: Columns) -> list[Event]:
    """Labels by an exponential law; a tenth never comes, some are corrected."""
    trail = part().decided(fitted().index(rows)).packed()
    labels = part().outcome.numbers(rows["repaid"])
    events: list[Event] = []
    for number in range(len(rows)):
        at = float(rng.uniform(0, 7200))
        events.append(Asked(at, f"id-{number}", trail[number : number + 1]))
        if rng.random() < 0.9:
            late = at + float(rng.exponential(600))
            wrong = rng.random() < 0.05
            value = float(labels[number])
            events.append(Said(late, f"id-{number}", 0, 1 - value if wrong else value))
            if wrong:
                events.append(Said(late + float(rng.exponential(60)), f"id-{number}", 0, value))
    # Time goes on, so that every window stops waiting.
    events += [Asked(7200 + 600.0 * k, f"end-{k}", trail[:1]) for k in range(6)]
    return events


def folded(events: Sequence[Event], rng: np.random.Generator) -> Iterator[Output]:
    fold = LabelsFold(Watched("loans", "plan"), {"bias": part()}, TERMS, 0.5)
    for traced in stream(events, rng, longest=200):
        own = list(traced.trace.trails.values())
        trace = replace(traced.trace, trails={"bias": own[0]} if own else {})
        yield from fold.accept(Traced(trace, traced.pane, traced.watermark_ns))


def test_final_windows_are_those_of_all_labels_at_once() -> None:
    events = story(np.random.default_rng(3), applicants(3000, 5))
    offline = joined(events, part(), TERMS)
    expected = {repr(part().settle(sums, True)) for sums in offline.values() if _is_enough(sums)}

    told = list(_told(folded(events, np.random.default_rng(4))))
    final = [one for one, finding in told if finding.is_final]

    assert len(final) == 12
    assert {repr(one.finding) for one in final} <= expected
    assert len(told) > len(final)
    assert {one.detector for one, _ in told} == {"bias:labels"}
    assert repr(output_of(output_record(final[0]))) == repr(final[0])


def test_wrong_decisions_about_one_group_raise_an_alarm_by_labels() -> None:
    rows = applicants(6000, 6)
    women = rows["sex"].values == "female"
    wrong = women & (rows["repaid"].values == "no") & (np.arange(6000) % 10 < 7)
    rows["approved"].values[wrong] = "yes"

    said = list(folded(story(np.random.default_rng(3), rows), np.random.default_rng(4)))

    alarms = [one for one in said if isinstance(one, Alarm)]
    assert [alarm.change for alarm in alarms] == ["raised"]
    assert alarms[0].detector == "bias:labels"
    assert "false_positive_rate_difference" in str(alarms[0].suspects)


def test_labels_that_show_no_more_than_is_allowed_raise_none() -> None:
    events = story(np.random.default_rng(8), applicants(6000, 9))

    assert not [one for one in folded(events, np.random.default_rng(4)) if isinstance(one, Alarm)]


def _is_enough(sums: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bool:
    columns = part().labels.columns(sums)
    return bool((columns[:2, [1, 3]].sum(axis=1) >= 30).all())


def _told(said: Iterator[Output]) -> Iterator[tuple[WindowResult, BiasFinding]]:
    for one in said:
        if isinstance(one, WindowResult) and isinstance(one.finding, BiasFinding):
            yield one, one.finding
