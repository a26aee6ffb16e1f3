"""The effect: zero on average without a change, true for a plain one, and between honest bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from sidelight.config.detecting.drift import DriftSettings
from sidelight_detectors.cells import CategoricalCells, Counts, NumericCells
from sidelight_detectors.contract import DriftFinding
from sidelight_detectors.drift.chi_squared import one_table
from sidelight_detectors.drift.effect import (
    _KOLMOGOROV,
    HALF_NORMAL,
    kolmogorov_effects,
    variation_effects,
)
from sidelight_detectors.drift.judge import DriftJudge
from sidelight_detectors.drift.kolmogorov import KolmogorovTest
from sidelight_detectors.drift.numeric import NumericReference, NumericWindow
from sidelight_detectors.drift.stack import stack_of
from sidelight_detectors.grid import Grid
from sidelight_detectors.summary import Summary

REFERENCE = 20_000
REPEATS = 400


def test_the_constants_make_the_mean_zero_without_a_change() -> None:
    law = stats.kstwobign
    distance, _ = integrate.quad(law.sf, 0, 10)
    taken_off, _ = integrate.quad(lambda k: law.pdf(k) * np.exp(-k * k / 2), 0, 10)
    assert pytest.approx(distance / taken_off, rel=1e-8) == _KOLMOGOROV

    law = stats.halfnorm
    taken_off, _ = integrate.quad(lambda z: law.pdf(z) * np.exp(-z * z / 2), 0, 40)
    assert pytest.approx(law.mean() / taken_off, rel=1e-8) == HALF_NORMAL


@dataclass(frozen=True)
class Effect:
    size: float
    low: float
    high: float


def effect_of(effects: tuple[NDArray[np.float64], ...]) -> Effect:
    return Effect(*(float(one[0]) for one in effects))


def total_variation(table: NDArray[np.int64]) -> float:
    return float(one_table(table).variation[0])


def variation_effect(table: NDArray[np.int64], error: float) -> Effect:
    return effect_of(variation_effects(one_table(table), np.array([error])))


def kolmogorov_effect(distance: float, error: float, n: int, m: int) -> Effect:
    numbers = (np.array([one]) for one in (distance, error, float(n), float(m)))
    return effect_of(kolmogorov_effects(*numbers))


def judged(judge: DriftJudge, window: Counts, rows: int) -> DriftFinding:
    return judge.judge(Summary("00" * 32, rows, window), 1, 0.05)


def variations(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], rows: int
) -> tuple[NDArray[np.float64], list[Effect]]:
    """Total variations and effects of windows, the reference drawn anew for each."""
    random = np.random.RandomState(0)
    tables = [
        np.stack([random.multinomial(rows, ours), random.multinomial(REFERENCE, theirs)])
        for _ in range(REPEATS)
    ]
    return np.array(list(map(total_variation, tables))), [variation_effect(t, 0.0) for t in tables]


def moved(shares: NDArray[np.float64], distance: float) -> NDArray[np.float64]:
    """The last share larger by `distance`, all others smaller in proportion."""
    others = shares[:-1] * (1 - distance / (1 - shares[-1]))
    return np.append(others, shares[-1] + distance)


EVEN = np.full(25, 1 / 25)
RARE_LAST = np.append(np.full(24, 0.994 / 24), 0.006)


@pytest.mark.parametrize("rows", [300, 600, 1000])
def test_without_a_change_the_effect_stays_below_a_tolerance_that_the_distance_exceeds(
    rows: int,
) -> None:
    distances, effects = variations(EVEN, EVEN, rows)
    sizes = np.array([effect.size for effect in effects])
    assert np.mean(distances > 0.05) > 0.9
    assert np.mean(sizes > 0.05) < 0.1
    assert sizes.mean() < 0.015


def test_a_plain_change_is_told_in_its_true_size() -> None:
    shares = np.full(5, 0.2)
    distances, effects = variations(moved(shares, 0.15), shares, 1000)
    sizes = np.array([effect.size for effect in effects])
    assert sizes.mean() == pytest.approx(0.15, rel=0.03)
    assert (sizes <= distances).all()


def test_a_change_half_hidden_by_chance_is_told_too_small_rather_than_too_large() -> None:
    _, effects = variations(moved(EVEN, 0.15), EVEN, 1000)
    assert 0.1 < np.mean([effect.size for effect in effects]) < 0.15


@pytest.mark.parametrize("change", [0.0, 0.03, 0.15])
def test_the_true_variation_lies_between_the_bounds(change: float) -> None:
    _, effects = variations(moved(RARE_LAST, change), RARE_LAST, 600)
    held = [effect.low <= change <= effect.high for effect in effects]
    assert np.mean(held) >= 0.95


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5])
def test_the_effect_of_ks_is_zero_without_a_change_and_true_with_one(shift: float) -> None:
    random, rows = np.random.RandomState(1), 500
    truth = 2 * stats.norm.cdf(shift / 2) - 1
    effects = []
    for _ in range(REPEATS):
        d = stats.ks_2samp(random.normal(shift, 1, rows), random.normal(0, 1, 5000)).statistic
        effects.append(kolmogorov_effect(float(d), 0.0, rows, 5000))
    sizes = np.array([effect.size for effect in effects])
    assert abs(sizes.mean() - truth) < 0.02
    assert np.mean([effect.low <= truth <= effect.high for effect in effects]) > 0.92


def test_coarse_cells_widen_the_upper_bound() -> None:
    reference = NumericReference(np.array([0, 1, 50, 1, 50, 1, 0, 0, 0]), stack_of([9]))
    window = NumericWindow(np.array([0, 0, 0, 0, 10, 0, 0, 0, 0]), reference)
    seen = KolmogorovTest(reference).compare(window)
    exact = kolmogorov_effect(float(seen.distance[0]), 0.0, 10, 103)
    assert seen.high[0] == pytest.approx(min(exact.high + reference.errors[0], 1.0))
    assert seen.low[0] == exact.low


def judge(tolerance: float) -> DriftJudge:
    """One column of 25 categories: the last has 0.6 % of the reference."""
    cells = CategoricalCells("code", tuple(f"{number:02}" for number in range(25)))
    counts = np.append(np.rint(RARE_LAST * REFERENCE), [0, 0]).astype(np.int64)
    settings = DriftSettings(tolerance=tolerance)
    return DriftJudge(Grid((cells,)), counts, counts // 5, REFERENCE, 1000, settings)


def test_a_change_below_the_tolerance_is_no_drift_however_sure_it_is() -> None:
    random, found = np.random.RandomState(2), judge(0.05)
    for _ in range(50):
        window = np.append(random.multinomial(2000, moved(RARE_LAST, 0.03)), [0, 0])
        (column,) = judged(found, window, 2000).columns
        assert column.p_value < column.threshold
        assert not column.drifted


def test_what_nobody_observed_has_no_distance_and_no_drift() -> None:
    grid = Grid((NumericCells("score", np.arange(5.0)),))
    counts = np.full(grid.size, 30)
    judge = DriftJudge(grid, counts, counts, 390, 100, DriftSettings(tolerance=0.0))
    (finding,) = judged(judge, counts * 0, 100).columns
    assert finding.measures == ()
    assert np.isnan([finding.statistic, finding.distance, finding.effect]).all()
    assert (finding.low, finding.high, finding.p_value) == (0.0, 1.0, 1.0)
    assert not finding.drifted


def test_no_p_value_is_zero() -> None:
    grid = Grid((NumericCells("x", np.array([0.0])),))
    reference, window = np.array([10**6, 0, 0, 0, 0]), np.array([0, 0, 10**6, 0, 0])
    judge = DriftJudge(grid, reference, reference, 10**6, 1000, DriftSettings(tolerance=0.0))
    (finding,) = judged(judge, window, 10**6).columns
    assert 0.0 < finding.p_value < 1e-300
