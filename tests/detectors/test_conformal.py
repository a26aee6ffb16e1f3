from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from sidelight.config.settings import ModelSettings
from sidelight.errors import NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.conformal import (
    Conformal,
    allowed_on_average,
    allowed_with,
    rate_bound,
)
from sidelight_detectors.fitted import fit
from sidelight_detectors.split import held_out


@given(st.lists(st.integers(0, 9)), st.integers(0, 9))
def test_a_p_value_counts_the_calibration_rows_at_least_as_strange(
    calibration: list[int], score: int
) -> None:
    conformal = Conformal(np.array(sorted(calibration), np.int64))
    as_strange = sum(other >= score for other in calibration)

    assert conformal.p_values(np.array([score])) == (as_strange + 1) / (len(calibration) + 1)


def settings(**outlier: Any) -> ModelSettings:
    return ModelSettings.model_validate({"detectors": {"outlier": outlier}})


def rows_of(rng: np.random.Generator, count: int) -> Columns:
    colours = rng.choice(np.array(["a", "b", "c"], object), count, p=[0.6, 0.3, 0.1])
    return Columns.of(x=rng.normal(size=count), y=rng.poisson(2.0, size=count), colour=colours)


def test_a_rate_no_p_value_can_reach_is_not_enough_data() -> None:
    rows = rows_of(np.random.default_rng(0), 392)

    with pytest.raises(NotEnoughData, match=r"rate 0.01 needs at least 99 calibration rows.*98"):
        fit(rows, settings(rate=0.01))
    fit(rows, settings(rate=0.011))
    fit(Columns.concatenate([rows, rows.take(slice(4))]), settings(rate=0.01))


def test_held_out_rows_are_the_stated_share_and_always_the_same() -> None:
    mask = held_out(1000, 0.25)

    assert mask.sum() == 250
    assert np.array_equal(mask, held_out(1000, 0.25))
    assert 0 < mask[:500].sum() < 250


def flagged_shares(references: int, rate: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The share flagged of fresh rows like the reference's, over references drawn anew."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(references):
        fitted = fit(rows_of(rng, 800), settings(rate=rate))
        scores = fitted.score(fitted.index(rows_of(rng, 500)))
        assert scores is not None
        shares.append(scores.flagged.mean())
    return np.array(shares)


def test_the_flagged_rate_over_references_is_the_configured_one() -> None:
    """Ties only make it smaller; the law over references is the conformal Beta."""
    rate, references, calibrating = 0.05, 200, 200
    shares = flagged_shares(references, rate)
    flagged = np.floor(rate * (calibrating + 1))
    one = beta(flagged, calibrating + 1 - flagged)
    error = np.sqrt((one.var() + rate / 500) / references)

    assert shares.mean() <= one.mean() + 4 * error
    assert shares.mean() >= 0.75 * rate
    assert shares.std() <= 1.3 * np.sqrt(one.var() + rate / 500)


@given(st.integers(1, 3000), st.sampled_from([0.001, 0.01, 0.07, 0.29, 0.5]))
def test_as_many_are_flagged_as_the_rate_allows(rows: int, rate: float) -> None:
    if 1 / (rows + 1) > rate:
        with pytest.raises(NotEnoughData):
            allowed_on_average(rows, rate)
        return
    allowed = allowed_on_average(rows, rate)

    assert allowed / (rows + 1) <= rate < (allowed + 1) / (rows + 1)


def test_the_bound_on_one_references_rate_is_its_beta_quantile() -> None:
    for rows, allowed, confidence in ((99, 1, 0.95), (5000, 50, 0.99), (250, 2, 0.5)):
        expected = beta(allowed, rows + 1 - allowed).ppf(confidence)
        assert rate_bound(confidence, rows, allowed) == pytest.approx(expected, rel=1e-9)


def test_a_guaranteed_rate_allows_the_most_rows_whose_bound_is_below_it() -> None:
    allowed = allowed_with(0.95, 5000, 0.01)

    assert rate_bound(0.95, 5000, allowed) <= 0.01 < rate_bound(0.95, 5000, allowed + 1)
    assert allowed_with(0.95, 299, 0.01) == 1
    with pytest.raises(NotEnoughData, match="at least 299 calibration rows, there are 298"):
        allowed_with(0.95, 298, 0.01)


def test_a_bound_holds_for_all_but_its_share_of_references() -> None:
    """Uniform scores are the worst case, without ties: a reference's rate is then known exactly."""
    rng = np.random.default_rng(0)
    rows, allowed = 400, allowed_on_average(400, 0.05)
    calibrations = np.sort(rng.random((4000, rows)), axis=1)
    rates = 1 - calibrations[:, rows - allowed]

    above = (rates > rate_bound(0.9, rows, allowed)).mean()

    assert above == pytest.approx(0.1, abs=4 * np.sqrt(0.1 * 0.9 / 4000))
    assert rates.mean() == pytest.approx(allowed / (rows + 1), rel=0.02)
