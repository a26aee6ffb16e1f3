"""Whatever a kind says about chance holds on quiet data, and a planted change is found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import binomtest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight_detectors.contract import Finding
from sidelight_detectors.fitted import Fitted
from sidelight_detectors.results.findings import Alarm
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from tests.detector_contract.cases import CASES, WINDOW, fitted_for, rows_of

ALPHA = 0.05


def alarms_of(fitted: Fitted, seeds: Iterator[int], *, changed: bool = False) -> list[Alarm]:
    """The alarms of a stream of panes, one for each seed, of a third of a window each."""
    plan = Plan("m", fitted, DetectorsSettings())
    decider = Decider(plan, 1)
    said: list[Alarm] = []
    for number, seed in enumerate(seeds):
        sample = Sample(number, number + 1, "", rows_of(WINDOW // 3, seed, changed=changed))
        scored = score(plan, [sample])
        assert not scored.refused
        place = (0, number, number + 1, number + 1, plan.bucket_ns)
        pane = Pane("m", plan.id, *place, scored.slices, scored.flags)
        said += [one for one in decider.accept(pane) if isinstance(one, Alarm)]
    return said


def test_quiet_streams_raise_no_more_alarms_than_promised(name: str, judging: str) -> None:
    """Each stream with a reference of its own; the number of them that ever raise is binomial."""
    streams = 8
    noisy = sum(
        bool(alarms_of(fitted_for(name, seed), iter(range(10_000 * seed + 1, 10_000 * seed + 61))))
        for seed in range(100, 100 + streams)
    )

    assert binomtest(noisy, streams, ALPHA, alternative="greater").pvalue > 1e-3


def test_a_planted_change_raises_one_alarm_and_not_a_storm(judging: str, fitted: Fitted) -> None:
    said = alarms_of(fitted, iter(range(1, 31)), changed=True)

    own = [one.change for one in said if one.detector == judging]

    assert own == ["raised"]


def test_strange_rows_score_higher_than_ordinary_ones(scoring: str, fitted: Fitted) -> None:
    ordinary = fitted.score(fitted.index(rows_of(1000, 1)), scoring)
    strange = fitted.score(fitted.index(rows_of(1000, 2, changed=True)), scoring)

    assert ordinary is not None
    assert strange is not None
    ranks = np.searchsorted(np.sort(ordinary.scores), strange.scores) / 1000
    assert ranks.mean() > 0.9
    assert strange.flagged.mean() > 10 * max(ordinary.flagged.mean(), 0.001)


def test_p_values_of_ordinary_rows_are_not_too_small(name: str, scoring: str) -> None:
    """On average over references, as split-conformal p-values promise."""
    rates: list[float] = []
    for seed in range(20):
        fitted = fitted_for(name, seed, rows=1500)
        scores = fitted.score(fitted.index(rows_of(1000, 500 + seed)), scoring)
        assert scores is not None
        rates.append(float((scores.p_values <= 0.02).mean()))

    error = np.std(rates, ddof=1) / np.sqrt(len(rates))
    assert np.mean(rates) < 0.02 + 4 * max(error, 0.001)


def calibration(name: str, windows: int, references: int) -> dict[float, tuple[int, int]]:
    """How often a p-value of a quiet window lay at or below each level, out of how many."""
    smallest: list[float] = []
    for reference in range(references):
        fitted = fitted_for(name, 1000 + reference)
        for window in range(windows):
            rows = fitted.index(rows_of(WINDOW, 10**6 * (reference + 1) + window))
            smallest += p_values_of(fitted.judge_by(CASES[name].kind, fitted.summarise(rows), 1))
            if not smallest:
                pytest.skip(f"{name} tells no p-value")
    found = np.array(smallest)
    return {level: (int((found <= level).sum()), len(found)) for level in (1e-2, 1e-3, 1e-4, 1e-5)}


def p_values_of(finding: Finding) -> list[float]:
    """All p-values that a finding tells, its columns' too."""
    told = [column.p_value for column in getattr(finding, "columns", ())]
    own = getattr(finding, "p_value", None)
    return told + ([] if own is None else [own])


def held(counts: dict[float, tuple[int, int]]) -> bool:
    """Rows of one window share it, so the bound is for the mean of dependent counts: generous."""
    return all(
        found <= level * total + 5 * np.sqrt(level * total) + 4
        for level, (found, total) in counts.items()
    )


def test_p_values_of_quiet_windows_are_not_too_small(name: str, judging: str) -> None:
    counts = calibration(name, windows=60, references=5)

    assert held(counts), counts


@pytest.mark.soak
def test_p_values_of_quiet_windows_hold_far_in_the_tail(name: str, judging: str) -> None:
    counts = calibration(name, windows=4000, references=50)

    assert held(counts), counts
