"""Bets against the practical null are fair, evidence is a supermartingale, names are few."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from sidelight_detectors.alarms.bets import DISTANCES, Bets, Null, bets_against
from sidelight_detectors.alarms.cuts import Cuts, Sort
from sidelight_detectors.alarms.evidence import Evidence, ever, steady
from sidelight_detectors.alarms.naming import named
from sidelight_detectors.alarms.rule import Suspect

SHARES = st.integers(0, 10_000).map(lambda parts: parts / 10_000)


def one_cut(low: float, high: float) -> tuple[Null, Bets]:
    """A null on one cut of one column, and the bets against it."""
    start = np.array([0])
    cuts = Cuts(("x",), np.array([0, 2]), start, start, start + 1, start + Sort.SINGLE)
    null = Null(np.array([(low + high) / 2]), np.array([low]), np.array([high]))
    return null, bets_against(null, cuts)


@pytest.mark.parametrize("rows", [1, 2, 7, 40])
@given(edges=st.tuples(SHARES, SHARES).map(sorted), inside=SHARES)
@settings(max_examples=60, deadline=None)
def test_no_bet_gains_on_average_under_any_share_the_null_allows(
    rows: int, edges: list[float], inside: float
) -> None:
    low, high = edges
    share = low + inside * (high - low)
    _, bets = one_cut(low, high)
    hits = np.arange(rows + 1)
    paid = np.stack([bets.pay(np.array([k]), np.array([rows])) for k in hits.astype(float)])
    means = np.einsum("k,ksj->sj", binom.pmf(hits, rows, min(max(share, low), high)), paid)

    assert (means <= 1 + 1e-9).all()


@given(high=st.floats(0.02, 0.9), parts=st.lists(st.floats(0, 1), min_size=2, max_size=4))
@settings(max_examples=60, deadline=None)
def test_blocks_that_count_in_parts_gain_no_more_than_whole_hits(
    high: float, parts: list[float]
) -> None:
    # Every block is one of `parts` with equal chance, scaled so that its mean is at the boundary.
    values = np.array(parts)
    values = values * min(1.0, high / max(values.mean(), 1e-12))
    _, bets = one_cut(0.0, high)
    paid = [bets.pay(np.array([sum(pair)]), np.array([2.0])) for pair in product(values, repeat=2)]

    assert (np.mean(paid, axis=0) <= 1 + 1e-9).all()


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_evidence_and_the_weight_to_come_never_grow_on_average(share: float) -> None:
    _, bets = one_cut(0.1, 0.3)
    weigh = ever(10.0)
    for path in product(range(4), repeat=2):
        evidence = Evidence(bets, weigh)
        for hits in path:
            evidence.fold(np.array([float(hits)]), np.array([3.0]), 3.0)
        before = evidence.value + weigh(evidence.units, np.inf)
        after = 0.0
        for hits, chance in enumerate(binom.pmf(range(4), 3, share)):
            step = Evidence(bets, weigh, evidence.units, evidence.wealth)
            step.fold(np.array([float(hits)]), np.array([3.0]), 3.0)
            after += chance * (step.value + weigh(step.units, np.inf))
        assert after <= before * (1 + 1e-9)


def test_all_weights_together_are_one_however_they_are_cut() -> None:
    weigh = ever(20_000.0)
    ends = np.cumsum(np.random.default_rng(0).integers(1, 5_000, 200)).tolist()
    cut = sum(weigh(a, b) for a, b in zip([0, *ends], ends, strict=False))

    assert cut == pytest.approx(weigh(0, ends[-1]))
    assert weigh(0, np.inf) == pytest.approx(1.0)
    assert steady(3.0, 10.0) == 7.0


def test_a_bet_on_the_truth_grows_as_its_distance_says() -> None:
    _, bets = one_cut(0.0, 0.5)
    for number, distance in enumerate(DISTANCES):
        share = np.sin(np.pi / 4 + distance / 2) ** 2
        growth = np.log(bets.pay(np.array([1000 * share]), np.array([1000.0])))[0, number]
        assert growth / 1000 == pytest.approx(distance**2 / 2, rel=0.02)


def test_a_sure_thing_pays_what_a_number_can_hold() -> None:
    _, bets = one_cut(0.0, 0.01)
    assert np.isfinite(bets.pay(np.array([1e6]), np.array([1e6]))).all()


def suspects(*values: float) -> list[Suspect]:
    return [Suspect("", f"x{number}", value) for number, value in enumerate(values)]


def test_names_are_those_of_e_bh() -> None:
    found = named(suspects(3.0, 90.0, 700.0, 0.1, 41.0), 25.0)
    # K / (k alpha) is 125, 62.5, 41.7: the third is just too weak.
    assert [one.column for one in found] == ["x2", "x1"]


def test_the_strongest_is_named_when_evidence_is_thin() -> None:
    assert [one.column for one in named(suspects(1.0, 26.0, 24.0), 25.0)] == ["x1"]


@pytest.mark.parametrize("nulls", [10, 30])
def test_of_the_names_given_few_are_wrong(nulls: int) -> None:
    rng = np.random.default_rng(1)
    wrong = []
    for _ in range(2000):
        # Dependent e-values of mean 1 for the nulls, strong ones for two that did change.
        quiet = np.exp(2 * rng.normal() * np.ones(nulls) - 2)
        values = [*quiet, 1e4, 1e4]
        found = named(suspects(*values), 10.0)
        strong = {f"x{nulls}", f"x{nulls + 1}"}
        wrong.append(sum(one.column not in strong for one in found) / len(found))
    assert np.mean(wrong) <= 0.1
