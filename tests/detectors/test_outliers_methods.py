"""What every outlier method owes: one row one score, contributions that add up, a promised rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.detector import OutlierDetector
from sidelight_detectors.outliers.methods import METHODS

_FITTED: dict[str, Fitted] = {}


def rows_of(count: int, seed: int) -> Columns:
    """Two correlated numbers, one with nulls, categories of one share each, one constant."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    y = 0.95 * x + 0.3 * rng.normal(size=count)
    gaps = np.where(rng.random(count) < 0.1, np.nan, rng.exponential(size=count))
    sex = rng.choice(np.array(["f", "m"], object), count)
    return Columns.of(x=x, y=y, gaps=gaps, sex=sex, flat=np.full(count, 7), answer=x + y)


def settings_of(method: str, **more: Any) -> ModelSettings:
    outlier = {"method": method, "rate": 0.02, **more}
    document = {"outputs": {"answer": "numeric"}, "detectors": {"outlier": outlier}}
    return ModelSettings.model_validate(document)


def fitted_of(method: str) -> Fitted:
    if method not in _FITTED:
        _FITTED[method] = fit(rows_of(1500, 0), settings_of(method))
    return _FITTED[method]


def detector_of(fitted: Fitted) -> OutlierDetector:
    detector = fitted.parts["outlier"]
    assert isinstance(detector, OutlierDetector)
    return detector


def scores_of(fitted: Fitted, rows: Columns | Indexed) -> NDArray[np.float64]:
    indexed = rows if isinstance(rows, Indexed) else fitted.index(rows)
    return detector_of(fitted).scorer.scores(indexed)


@pytest.fixture(params=list(METHODS))
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_contributions_of_flagged_rows_add_up_to_their_scores(method: str) -> None:
    fitted, rows = fitted_of(method), rows_of(2000, 1)
    scores = fitted.score(fitted.index(rows))
    assert scores is not None
    flagged = scores.flagged

    assert 5 < flagged.sum() < 150
    np.testing.assert_allclose(
        scores.contributions[flagged].sum(axis=1), scores.scores[flagged], rtol=1e-9
    )
    assert not scores.contributions[~flagged].any()
    assert not scores.contributions[flagged][:, fitted.columns.index("answer")].any()
    assert not scores.contributions[flagged][:, fitted.columns.index("flat")].any()


@settings(max_examples=4, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=5), seed=st.integers(0, 99))
def test_a_rows_score_is_its_own_in_any_batch(cuts: list[int], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(300)
    for method in METHODS:
        fitted = fitted_of(method)
        rows = fitted.index(rows_of(300, 3))
        whole = scores_of(fitted, rows)
        parts = [scores_of(fitted, rows.take(part)) for part in np.split(order, sorted(cuts))]
        np.testing.assert_allclose(np.concatenate(parts), whole[order], rtol=1e-12, atol=1e-12)


def test_a_saved_method_scores_as_before(method: str, tmp_path: Path) -> None:
    fitted, rows = fitted_of(method), rows_of(300, 4)
    fitted.save(tmp_path / "fitted.npz")
    loaded = Fitted.load(tmp_path / "fitted.npz")

    assert loaded.plan == fitted.plan
    assert np.array_equal(scores_of(loaded, rows), scores_of(fitted, rows))
    assert detector_of(loaded).guarantee == detector_of(fitted).guarantee


def test_the_plan_changes_with_a_value_and_with_a_setting(method: str) -> None:
    rows = rows_of(1500, 0)
    values = rows["x"].values.copy()
    values[0] = np.nextafter(values[0], 9)
    other = Columns.of(**{column.name: column.values for column in rows} | {"x": values})
    plans = {
        fitted_of(method).plan,
        fit(other, settings_of(method)).plan,
        fit(rows, settings_of(method, rate=0.03)).plan,
    }

    assert len(plans) == 3


@pytest.mark.parametrize("method", ["mahalanobis", "knn", "combined", "forest"])
def test_an_impossible_combination_is_strange_though_each_value_is_ordinary(method: str) -> None:
    rows = rows_of(200, 5)
    changed = {column.name: column.values for column in rows}
    x = np.linspace(1.0, 2.0, 200)
    ordinary = Columns.of(**changed | {"x": x, "y": 0.95 * x, "gaps": np.full(200, 0.7)})
    turned = Columns.of(**changed | {"x": x, "y": -0.95 * x, "gaps": np.full(200, 0.7)})
    fitted = fitted_of(method)

    higher = scores_of(fitted, turned) > scores_of(fitted, ordinary)

    assert higher.mean() > 0.85


@pytest.mark.parametrize("method", ["mahalanobis", "knn", "combined"])
def test_the_score_goes_on_rising_beyond_the_range(method: str) -> None:
    count = 5
    rows = {column.name: column.values for column in rows_of(count, 6)}
    far = Columns.of(**rows | {"x": 10.0 ** np.arange(1, count + 1), "gaps": np.ones(count)})

    assert (np.diff(scores_of(fitted_of(method), far)) > 0).all()


def test_what_cannot_be_measured_still_has_a_finite_score(method: str) -> None:
    strange = Columns.of(
        x=[np.inf, -np.inf, np.nan, None, 1e308],
        y=[None, np.nan, -1e308, 0.0, np.inf],
        gaps=[None] * 5,
        sex=["unknown", None, "f", "m", ""],
        flat=[7, 8, None, -1e300, 7],
    )
    fitted = fitted_of(method)
    scores = scores_of(fitted, strange)
    ordinary = scores_of(fitted, rows_of(1000, 7))

    assert np.isfinite(scores).all()
    assert (scores[:-1] > np.quantile(ordinary, 0.9)).all()


def test_the_most_blamed_column_is_the_one_that_was_changed(method: str) -> None:
    rows = {column.name: column.values for column in rows_of(50, 8)}
    fitted = fitted_of(method)
    scores = fitted.score(fitted.index(Columns.of(**rows | {"gaps": np.full(50, 90.0)})))
    assert scores is not None

    blamed = scores.contributions[scores.flagged].argmax(axis=1)

    assert len(blamed) > 10
    assert (blamed == fitted.columns.index("gaps")).mean() > 0.9


def flagged_shares(method: str, references: int, **more: Any) -> NDArray[np.float64]:
    shares = []
    for seed in range(references):
        fitted = fit(rows_of(400, 1000 + seed), settings_of(method, rate=0.05, **more))
        scores = fitted.score(fitted.index(rows_of(400, 5000 + seed)))
        assert scores is not None
        shares.append(scores.flagged.mean())
    return np.array(shares)


@pytest.mark.parametrize("method", ["hbos", "knn"])
def test_the_rate_over_references_is_the_promised_one(method: str) -> None:
    shares = flagged_shares(method, 20)

    assert shares.mean() == pytest.approx(0.05, abs=4 * shares.std() / np.sqrt(20))


@pytest.mark.parametrize("method", ["ecod", "knn"])
def test_left_out_rows_calibrate_a_rate_that_is_not_above_the_promised(method: str) -> None:
    shares = flagged_shares(method, 20, calibration="leave-one-out")

    assert shares.mean() < 0.05 + 4 * shares.std() / np.sqrt(20)
    assert shares.mean() > 0.03


@pytest.mark.soak
@pytest.mark.parametrize("method", list(METHODS))
def test_the_rate_over_many_references_is_within_its_interval(method: str) -> None:
    shares = flagged_shares(method, 300)
    allowed = detector_of(fit(rows_of(400, 1), settings_of(method, rate=0.05))).guarantee.rate

    assert shares.mean() == pytest.approx(allowed, abs=4 * shares.std() / np.sqrt(300))


def test_a_guaranteed_rate_is_kept_by_nearly_every_reference() -> None:
    shares = flagged_shares("knn", 20, guarantee="pac", confidence=0.9, calibration=0.5)
    fitted = fit(rows_of(400, 1), settings_of("knn", rate=0.05, guarantee="pac", calibration=0.5))
    guarantee = detector_of(fitted).guarantee

    assert guarantee.bound is not None
    assert guarantee.rate < guarantee.bound <= 0.05
    assert (shares > 0.05 + 0.025).mean() < 0.1
    assert shares.mean() < 0.05


def test_what_cannot_be_promised_is_refused_with_a_way_out() -> None:
    rows = rows_of(400, 0)
    with pytest.raises(ConfigError, match="leave-one-out is exact for ecod and knn only"):
        fit(rows, settings_of("forest", calibration="leave-one-out"))
    with pytest.raises(ConfigError, match="guarantee: pac holds for rows held out"):
        fit(rows, settings_of("knn", calibration="leave-one-out", guarantee="pac"))
    with pytest.raises(NotEnoughData, match=r"with confidence 0\.95 needs at least 149"):
        fit(rows, settings_of("knn", guarantee="pac"))


def test_a_promise_says_rate_bound_and_rows() -> None:
    held = str(detector_of(fitted_of("knn")).guarantee)
    left = fit(rows_of(400, 0), settings_of("knn", calibration="leave-one-out"))

    assert "0.95 confidence at most" in held
    assert "(375 rows held out)" in held
    assert "(400 rows left out one by one)" in str(detector_of(left).guarantee)
