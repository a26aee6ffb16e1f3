"""Every detector that needs neither PyTorch nor TensorFlow, from the configuration to results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sidelight_detectors.alibi.finding import AlibiFinding
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import Alarm, OutlierResult, PromiseResult, WindowResult
from tests.detectors.alibi_inside.at_work import appointed, drained, log_of, worker_on
from tests.detectors.traffic import rows

DRIFT: dict[str, dict[str, Any]] = {
    "KSDrift": {"args": {"p_val": 0.01}},
    "CVMDrift": {},
    "ChiSquareDrift": {},
    "FETDrift": {"args": {"alternative": "two-sided"}},
    "TabularDrift": {"args": {"correction": "fdr"}},
    "ClassifierDrift": {"args": {"model": {"type": "LogisticRegression"}, "n_folds": 3}},
    "CVMDriftOnline": {"args": {"ert": 100, "window_sizes": [10, 20], "n_bootstraps": 500}},
    "FETDriftOnline": {"args": {"ert": 100, "window_sizes": [10, 20], "n_bootstraps": 500}},
}
OUTLIERS: dict[str, dict[str, Any]] = {
    "IForest": {},
    "Mahalanobis": {},
    "SpectralResidual": {"args": {"window_amp": 10, "window_local": 10, "n_est_points": 5}},
}


@pytest.mark.parametrize("kind", DRIFT)
def test_drift_is_judged_and_told_in_our_form(kind: str, tmp_path: Path) -> None:
    at = appointed(tmp_path, type=kind, window=50, **DRIFT[kind])
    said = list(drained(worker_on(log_of(rows(200, seed=2)), at)))
    assert isinstance(said[0], PromiseResult)
    findings = [one.finding for one in said if isinstance(one, WindowResult)]
    assert len(findings) >= 4
    for finding in findings:
        assert isinstance(finding, AlibiFinding)
        assert finding.type == kind
        assert len(finding.statistic) == len(finding.threshold)
        assert all(0 < p <= 1 for p in finding.p_value)
    for output in said:
        record = output_record(output)
        assert output_record(output_of(record)) == record


@pytest.mark.parametrize("kind", ["KSDrift", "CVMDrift", "TabularDrift", "CVMDriftOnline"])
def test_a_shift_raises_one_alarm_that_names_the_column(kind: str, tmp_path: Path) -> None:
    at = appointed(tmp_path, type=kind, window=50, **DRIFT[kind])
    said = list(drained(worker_on(log_of(rows(200, seed=2, shift=2.0)), at)))
    (alarm,) = (one for one in said if isinstance(one, Alarm))
    assert alarm.change == "raised"
    assert alarm.detector == "alibi:watch"
    assert alarm.suspects[0].column == "age"


@pytest.mark.parametrize("kind", OUTLIERS)
def test_strange_rows_are_told_with_their_address_and_threshold(kind: str, tmp_path: Path) -> None:
    at = appointed(tmp_path, type=kind, window=50, rate=0.1, columns=["age"], **OUTLIERS[kind])
    columns = rows(100, seed=2)
    columns["age"].values[70] = 400.0
    said = list(drained(worker_on(log_of(columns, per_exchange=4), at)))
    flagged = [one for one in said if isinstance(one, OutlierResult)]
    told = {(one.address.offset, one.row): one for one in flagged}
    strange = told[17, 2]
    assert strange.threshold is not None
    assert strange.score > strange.threshold
    assert len(flagged) < 30
    assert np.isnan(strange.p_value)
    record = output_record(strange)
    assert output_record(output_of(record)) == record


def test_ks_and_chi_squared_are_those_of_scipy_and_of_our_own_cells(tmp_path: Path) -> None:
    at = appointed(tmp_path, type="TabularDrift", window=200)
    reference, current = rows(300, seed=1), rows(200, seed=2, shift=0.5)
    (_, result, *_) = drained(worker_on(log_of(current), at))
    assert isinstance(result, WindowResult)
    assert isinstance(result.finding, AlibiFinding)
    ks, chi2 = result.finding.statistic
    ages = stats.ks_2samp(reference["age"].values, current["age"].values)
    assert ks == np.float32(ages.statistic)
    table = [[(part["sex"].values == sex).sum() for sex in "fm"] for part in (reference, current)]
    assert chi2 == np.float32(stats.chi2_contingency(table).statistic)
    ours = _ours(reference, current)
    assert np.float32(ours["age"]) == np.float32(ks)


def _ours(reference: Any, current: Any) -> dict[str, float]:
    from sidelight.config.settings import ModelSettings
    from sidelight_detectors.fitted import fit

    model = ModelSettings.model_validate(
        {
            "features": {"age": "numeric", "sex": {"categories": ["f", "m"]}},
            "detectors": {"drift": {"exact": True}},
        }
    )
    fitted = fit(reference, model)
    finding = fitted.judge(fitted.summarise(fitted.index(current)), 1)
    return {column.column: column.distance for column in finding.columns}


def test_unknown_categories_and_missing_values_are_taken_or_counted(tmp_path: Path) -> None:
    at = appointed(tmp_path, type="TabularDrift", window=50)
    columns = rows(101, seed=2)
    columns["sex"].values[:50] = "x"
    columns["age"].values[60] = np.nan
    worker = worker_on(log_of(columns), at)
    said = list(drained(worker))
    results = [one for one in said if isinstance(one, WindowResult)]
    assert len(results) == 2
    assert results[0].finding.is_drift
    assert worker.feed.counts["unusable"] == 1


def test_rows_that_their_code_refuses_cost_a_batch_and_no_more(tmp_path: Path) -> None:
    at = appointed(tmp_path, type="KSDrift", window=50)
    worker = worker_on(log_of(rows(100, seed=2)), at)
    calls = iter([True, False])
    inner = worker.watching._detector  # type: ignore[attr-defined]
    predict = inner.predict

    def fail_once(values: Any) -> Any:
        if next(calls):
            raise RuntimeError("singular matrix")
        return predict(values)

    inner.predict = fail_once
    kinds = [type(one).__name__ for one in drained(worker)]
    assert kinds == ["PromiseResult", "UnjudgedResult", "WindowResult"]
