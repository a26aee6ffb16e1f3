"""Corrections name what their definitions name, and keep the error they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from sidelight.tensors import Columns
from sidelight_detectors.drift.naming import critical_p, e_bh, named_together
from tests.detectors.measuring import fitted_on, judged

p_lists = st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=30).map(np.array)


def named(p_values: NDArray[np.float64], alpha: float, correction: str) -> NDArray[np.bool_]:
    return p_values <= critical_p(p_values, alpha, correction)


def holm_by_steps(p_values: NDArray[np.float64], alpha: float) -> NDArray[np.bool_]:
    found = np.zeros(len(p_values), bool)
    for step, place in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[place] > alpha / (len(p_values) - step):
            break
        found[place] = True
    return found


@given(p_lists, st.floats(0.001, 0.5))
def test_holm_names_what_its_steps_name(p_values: NDArray[np.float64], alpha: float) -> None:
    assert (named(p_values, alpha, "holm") == holm_by_steps(p_values, alpha)).all()


@given(p_lists, st.floats(0.001, 0.5))
def test_bh_names_what_scipy_names(p_values: NDArray[np.float64], alpha: float) -> None:
    adjusted = false_discovery_control(p_values, method="bh")
    expected = adjusted <= alpha
    sure = np.abs(adjusted - alpha) > 1e-9
    assert (named(p_values, alpha, "bh")[sure] == expected[sure]).all()


@given(p_lists, st.floats(0.001, 0.5))
def test_ebh_of_p_values_is_that_of_their_e_values(
    p_values: NDArray[np.float64], alpha: float
) -> None:
    e_values = 1 / (2 * np.sqrt(p_values))
    assert (named(p_values, alpha, "ebh") == (e_values >= e_bh(e_values, alpha) - 1e-9)).all()


def test_ebh_takes_the_largest_number_whose_mean_wealth_is_enough() -> None:
    """Wang and Ramdas (2022): the largest k with e_(k) >= F / (alpha k)."""
    assert e_bh(np.array([70.0, 45.0, 1.0, 0.0]), 0.05) == pytest.approx(40.0)
    assert e_bh(np.array([70.0, 30.0, 1.0, 0.0]), 0.05) == np.inf
    assert e_bh(np.array([90.0, 30.0, 1.0, 0.0]), 0.05) == pytest.approx(80.0)


@given(p_lists, st.floats(0.001, 0.5))
def test_bonferroni_names_least_and_holm_no_more_than_bh(
    p_values: NDArray[np.float64], alpha: float
) -> None:
    few, more, most = (named(p_values, alpha, name).sum() for name in ("bonferroni", "holm", "bh"))
    assert few <= more <= most


@pytest.mark.parametrize("correction", ["holm", "bh", "ebh", "bonferroni"])
def test_quiet_windows_seldom_name_anything(correction: str) -> None:
    """All hypotheses true: the false discovery share is the chance of any name."""
    rng, runs = np.random.default_rng(0), 2000
    common = rng.normal(size=(runs, 1))
    p_values = norm.sf(np.sqrt(0.5) * common + np.sqrt(0.5) * rng.normal(size=(runs, 20)))
    wrong = sum(named(one, 0.1, correction).any() for one in p_values)
    assert wrong <= 0.1 * runs + 4 * np.sqrt(0.09 * runs)


@pytest.mark.parametrize(("correction", "most"), [("bh", 0.1), ("ebh", 0.1), ("holm", 0.1)])
def test_few_names_are_false_where_some_columns_changed(correction: str, most: float) -> None:
    rng, shares = np.random.default_rng(1), []
    for _ in range(500):
        p_values = np.append(rng.random(15), rng.random(5) * 1e-4)
        found = named(p_values, 0.1, correction)
        shares.append(found[:15].sum() / max(found.sum(), 1))
    assert np.mean(shares) <= most


def test_segments_are_named_together_with_all_their_columns() -> None:
    rng = np.random.default_rng(2)
    fitted = fitted_on(Columns.of(a=rng.normal(size=2000), b=rng.normal(size=2000)), measures=())
    window = Columns.of(a=rng.normal(0.14, 1, size=1000), b=rng.normal(size=1000))
    alone = fitted.judge(fitted.summarise(fitted.index(window)), 1)
    together = named_together([alone] * 30, alone.alpha, "bonferroni")

    assert alone.columns[0].drifted
    assert len(together) == 30
    assert together[0].columns[0].threshold == pytest.approx(alone.alpha / 60)
    assert together[0].columns[0].drifted == (alone.columns[0].p_value <= alone.alpha / 60)


def test_the_surest_change_is_the_worst_not_the_largest_looking_one() -> None:
    rng = np.random.default_rng(3)
    settings = {"measures": (), "correction": "bh"}
    known = Columns.of(sure=rng.normal(size=9000), codes=rng.integers(0, 150, 9000).astype(str))
    window = Columns.of(sure=rng.normal(0.5, 1, 300), codes=rng.integers(0, 150, 300).astype(str))
    sure, codes = judged(fitted_on(known, **settings), window)

    fitted = fitted_on(known, **settings)
    finding = fitted.judge(fitted.summarise(fitted.index(window)), 1)
    assert sure.low > codes.low
    assert finding.worst.column == "sure"
    assert [column.column for column in finding.drifted] == ["sure"]
