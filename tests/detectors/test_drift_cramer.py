"""Cramer-von Mises from cells: scipy's statistic, and p-values that are honest in the tail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import cramervonmises_2samp

from sidelight.tensors import Column
from sidelight_detectors.cells import Counts, numeric_cells
from sidelight_detectors.drift.cramer import cramer_ps, cramer_statistics, limit_tail
from sidelight_detectors.drift.numeric import NumericReference, NumericWindow
from sidelight_detectors.drift.stack import stack_of
from tests.detectors.measuring import one, repeated

numbers = st.lists(st.integers(-60, 60).map(float), min_size=2, max_size=80)


def compared(reference: list[float], window: list[float]) -> tuple[float, Counts, Counts]:
    """The statistic, and both samples' rows in exact cells."""
    cells = numeric_cells(Column("x", np.array(reference)), None)
    known, seen = (
        np.bincount(cells.index(Column("x", np.array(one))), minlength=cells.size)
        for one in (reference, window)
    )
    view = NumericWindow(seen, NumericReference(known, stack_of([cells.size])))
    return float(cramer_statistics(view)[0]), seen, known


def added_by_scipy(w: Counts, r: Counts) -> float:
    """What scipy's sequential ranks add for ties; 0 without any."""
    n, m = float(w.sum()), float(r.sum())
    both = n + m
    cubes, other = (w**3).sum(), (r**3).sum()
    own = cubes / (12 * n**2) + other / (12 * m**2) - (w * r * (w + r)).sum() / (4 * n * m)
    ranks = ((cubes - n) / m + (other - m) / n) / (12 * both)
    return float(own * n * m / both**2 + ranks - 1 / (12 * both))


@given(numbers, st.data())
@settings(max_examples=200)
def test_where_no_new_value_occurs_it_is_scipys_statistic_less_what_that_adds_for_ties(
    reference: list[float], data: st.DataObject
) -> None:
    window = data.draw(st.lists(st.sampled_from(reference), min_size=2, max_size=60))
    found, seen, known = compared(reference, window)
    expected = cramervonmises_2samp(window, reference, method="asymptotic").statistic

    assert found + added_by_scipy(seen, known) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.integers(2, 60), st.integers(0, 2**32))
def test_without_ties_it_is_scipys_statistic(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference = np.arange(0, 400, 2.0)
    window = rng.choice(np.arange(-1, 400, 2.0), count, replace=False)
    found, *_ = compared(reference.tolist(), window.tolist())

    assert found == pytest.approx(cramervonmises_2samp(window, reference).statistic, rel=1e-9)


def test_two_equal_coins_do_not_differ_however_unlike_their_sizes() -> None:
    """scipy's statistic of these is 7,895."""
    found, *_ = compared([0.0, 1.0] * 10_000, [0.0, 1.0] * 500)

    assert found < 1e-4


def test_the_limit_has_the_published_quantiles_and_a_tail_with_digits() -> None:
    """Anderson and Darling, Annals of Mathematical Statistics 23 (1952), table 1."""
    tails = limit_tail(np.array([0.34730, 0.46136, 0.74346, 1.16786]))

    assert tails == pytest.approx([0.1, 0.05, 0.01, 0.001], rel=2e-3)
    assert limit_tail(np.array([8.0, 30.0])) == pytest.approx([9.02e-19, 3.317e-66], rel=1e-3)


def null_p_values(n: int, repeats: int, seed: int) -> NDArray[np.float64]:
    """Windows of n rows against a reference so large that its law is known."""
    rng = np.random.default_rng(seed)
    middles = (2 * np.arange(1, n + 1) - 1) / (2 * n)
    ordered = np.sort(rng.random((repeats, n)), axis=1)
    statistics = 1 / (12 * n) + ((ordered - middles) ** 2).sum(axis=1)
    return cramer_ps(statistics, np.full(repeats, n), np.full(repeats, 10**9))


def assert_calibrated(p_values: NDArray[np.float64], levels: tuple[float, ...]) -> None:
    for level in levels:
        allowed = len(p_values) * level
        assert (p_values <= level).sum() <= allowed + 4 * np.sqrt(allowed) + 1, level


@pytest.mark.parametrize("n", [20, 100, 500])
def test_quiet_windows_rarely_have_small_p_values(n: int) -> None:
    assert_calibrated(null_p_values(n, 20_000, n), (0.01, 1e-3, 1e-4))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("n", [20, 100, 500])
def test_the_far_tail_is_calibrated(n: int) -> None:
    p_values = np.concatenate([null_p_values(n, 20_000, seed) for seed in range(150)])
    assert_calibrated(p_values, (0.01, 1e-3, 1e-4, 1e-5))


@pytest.mark.parametrize("draw", ["coarse", "tied"])
def test_coarse_cells_and_ties_make_the_p_value_larger_not_smaller(draw: str) -> None:
    def values(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        drawn = rng.normal(size=count)
        return drawn if draw == "coarse" else np.round(drawn)

    found = repeated(values, values, 300, 1000, repeats=400, method="cvm", measures=(), cells=65)
    assert {finding.method for finding in found} == {"cvm"}
    assert_calibrated(np.array([finding.p_value for finding in found]), (0.1, 0.01))


def test_it_finds_a_spread_change_that_ks_finds_less_surely() -> None:
    grid = ndtri((np.arange(2000) + 0.5) / 2000)
    window = grid[::10] + 0.25

    assert one(grid, window, method="cvm").p_value < one(grid, window, method="ks").p_value
