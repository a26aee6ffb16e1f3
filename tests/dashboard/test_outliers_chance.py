"""The band and the test of flagged rows, held against scipy's own distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sidelight_dashboard.outliers.chance import Ordinary, band, band_of_ranks, is_beyond, p_value


@pytest.mark.parametrize(
    ("flagged", "rows", "rate"), [(0, 10, 0.1), (1, 10, 0.01), (17, 600, 0.01), (40, 40, 0.5)]
)
def test_the_chance_of_so_many_is_the_binomial_tail(flagged: int, rows: int, rate: float) -> None:
    assert p_value(flagged, rows, rate) == pytest.approx(stats.binom.sf(flagged - 1, rows, rate))


def test_the_band_holds_as_many_stretches_as_it_says() -> None:
    rows = np.array([1, 7, 50, 600, 100_000, 2_000_000])

    low, high = band(rows, 0.01, 0.013, 0.99)

    assert low.tolist() == stats.binom.ppf(0.005, rows, 0.01).tolist()
    assert high.tolist() == stats.binom.ppf(0.995, rows, 0.013).tolist()


def test_a_reference_whose_rate_is_less_known_says_more_than_chance_later() -> None:
    assert is_beyond(25, 1000, Ordinary(0.01))
    assert not is_beyond(25, 1000, Ordinary(0.01, 0.02))


def test_the_band_of_p_values_holds_what_few_calibration_rows_give() -> None:
    rng = np.random.default_rng(4)
    rows, bins, calibration = 3000, 20, 199
    held_out = np.sort(rng.random((4000, calibration)))[:, (calibration + 1) // bins - 1]
    counts = rng.binomial(rows, held_out)

    low, high = band_of_ranks(rows, bins, calibration, 0.9)

    assert np.mean((counts >= low) & (counts <= high)) >= 0.9
    assert low < stats.binom.ppf(0.05, rows, 1 / bins)
    assert high > stats.binom.ppf(0.95, rows, 1 / bins)
