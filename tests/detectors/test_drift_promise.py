"""What a whole stream of quiet windows promises, and what one window answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, DataMismatch, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.contract import DriftFinding
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.spending import spend

ALPHA = 0.05


def model(**drift: Any) -> ModelSettings:
    return ModelSettings.model_validate(
        {"detectors": {"drift": {"window": 500, "alarm": {"rule": "windows"}, **drift}}}
    )


def quiet_rows(rng: np.random.Generator, count: int) -> Columns:
    """Twenty columns as served traffic has them: continuous, rounded, mostly zero, skewed codes."""
    smooth = {f"x{i}": rng.normal(size=count) for i in range(6)}
    tied = {f"k{i}": rng.poisson(2.0 + i, size=count) for i in range(4)}
    zeros = {f"z{i}": np.where(rng.random(count) < 0.8, 0.0, rng.random(count)) for i in range(2)}
    codes = {f"c{i}": rng.zipf(1.6 + i / 10, count).astype(str).astype(object) for i in range(8)}
    return Columns.of(**smooth, **tied, **zeros, **codes)


def stream_of_findings(seed: int, windows: int, reference: int) -> list[DriftFinding]:
    rng = np.random.default_rng(seed)
    fitted = fit(quiet_rows(rng, reference), model(tolerance=0.0))
    return [judged(fitted, quiet_rows(rng, 500), number + 1) for number in range(windows)]


def judged(fitted: Fitted, rows: Columns, number: int = 1) -> DriftFinding:
    return fitted.judge(fitted.summarise(fitted.index(rows)), number)


def test_all_windows_together_spend_alpha() -> None:
    spent = sum(spend(ALPHA, window) for window in range(1, 10_001))

    assert spent == pytest.approx(ALPHA, rel=1e-4)
    assert spent < ALPHA
    assert spend(ALPHA, 1) == pytest.approx(6 * ALPHA / math.pi**2)
    with pytest.raises(ValueError, match="count from 1"):
        spend(ALPHA, 0)


def false_alarm_runs(runs: int, windows: int, reference: int) -> tuple[int, int]:
    """Runs with any alarm: by the spending rule, and by Bonferroni in each window alone."""
    ever, naive = 0, 0
    for seed in range(runs):
        findings = stream_of_findings(seed, windows, reference)
        ever += any(finding.is_drift for finding in findings)
        naive += any(
            column.p_value < ALPHA / len(finding.columns)
            for finding in findings
            for column in finding.columns
        )
    return ever, naive


def test_quiet_streams_seldom_ever_raise_an_alarm() -> None:
    ever, naive = false_alarm_runs(runs=25, windows=40, reference=4000)
    interval = binomtest(ever, 25).proportion_ci(0.99, method="exact")

    assert interval.low <= ALPHA
    assert naive > ever


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_promise_holds_over_many_streams() -> None:
    ever, naive = false_alarm_runs(runs=400, windows=100, reference=20_000)

    assert binomtest(ever, 400).proportion_ci(0.99, method="exact").low <= ALPHA
    assert binomtest(naive, 400).proportion_ci(0.99, method="exact").low > 0.5


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(quiet_rows(np.random.default_rng(5), 4000), model(tolerance=0.1))


def shifted(rows: Columns, **changed: Any) -> Columns:
    return Columns.of(**{column.name: changed.get(column.name, column.values) for column in rows})


def test_a_shift_is_found_in_its_column_alone(fitted: Fitted) -> None:
    rows = quiet_rows(np.random.default_rng(6), 500)
    finding = judged(fitted, shifted(rows, x3=rows["x3"].values + 1.0))

    assert [column.column for column in finding.columns if column.drifted] == ["x3"]
    assert finding.is_drift
    assert finding.rows == 500
    assert finding.reference_rows == 4000


def test_new_categories_are_found(fitted: Fitted) -> None:
    rows = quiet_rows(np.random.default_rng(6), 500)
    codes = rows["c0"].values.copy()
    codes[:100] = "never heard of"
    finding = judged(fitted, shifted(rows, c0=codes))

    assert [column.column for column in finding.columns if column.drifted] == ["c0"]


def test_a_difference_below_the_tolerance_is_no_drift_however_sure(fitted: Fitted) -> None:
    rows = quiet_rows(np.random.default_rng(6), 50_000)
    finding = judged(fitted, shifted(rows, x3=rows["x3"].values + 0.2))
    column = next(column for column in finding.columns if column.column == "x3")

    assert column.p_value < 1e-9
    assert 0.05 < column.distance < 0.1
    assert not finding.is_drift


def test_thresholds_divide_what_the_window_may_spend(fitted: Fitted) -> None:
    finding = judged(fitted, quiet_rows(np.random.default_rng(6), 500), number=7)

    assert finding.alpha == pytest.approx(spend(ALPHA, 7))
    assert {column.threshold for column in finding.columns} == {finding.alpha / 20}


def test_too_few_rows_are_not_enough_data(fitted: Fitted) -> None:
    with pytest.raises(NotEnoughData, match="5 rows; at least 20 are needed"):
        judged(fitted, quiet_rows(np.random.default_rng(6), 5))


def test_a_column_nobody_saw_is_not_enough_data_for_that_column() -> None:
    rng = np.random.default_rng(0)
    settings = {"outputs": {"y": "numeric"}, "detectors": {"drift": {}}}
    fitted = fit(
        Columns.of(x=rng.normal(size=500), y=rng.normal(size=500)),
        ModelSettings.model_validate(settings),
    )
    finding = judged(fitted, Columns.of(x=rng.normal(size=100)))

    assert [(column.column, column.rows) for column in finding.columns] == [("x", 100), ("y", 0)]
    assert finding.columns[1].p_value == 1
    assert not finding.columns[1].drifted


def test_a_summary_of_another_plan_is_refused(fitted: Fitted) -> None:
    other = fit(quiet_rows(np.random.default_rng(9), 4000), model())
    summary = other.summarise(other.index(quiet_rows(np.random.default_rng(6), 500)))

    with pytest.raises(DataMismatch, match="index the rows again"):
        fitted.judge(summary, 1)


def test_judging_without_a_drift_detector_says_what_to_set() -> None:
    settings = ModelSettings.model_validate({"detectors": {"outlier": {"rate": 0.1}}})
    fitted = fit(quiet_rows(np.random.default_rng(9), 400), settings)

    with pytest.raises(ConfigError, match=r"detectors\.drift"):
        judged(fitted, quiet_rows(np.random.default_rng(6), 500))
