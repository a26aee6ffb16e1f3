"""Bets on groups are fair, the alarm of bias is hardly ever false, and found biases are named."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, binomtest

from benchmarks.bias_audit import QUIET
from benchmarks.streams.decisions import ALPHA, Pair, rows_until_raised
from sidelight_detectors.alarms.rule import WHOLE, Verdict
from sidelight_detectors.bias.audit.betting import DISTANCES, pay
from sidelight_detectors.bias.audit.promises import of_audit
from sidelight_detectors.bias.audit.rule import AuditRule
from sidelight_detectors.bias.audit.sides import Sides, sides_of
from sidelight_detectors.bias.contract import Comparison, Tally
from sidelight_detectors.contract import Sums
from sidelight_detectors.summary import Summary

RATES = st.integers(0, 10_000).map(lambda parts: parts / 10_000)
ROWS = st.integers(1, 8)


def difference(first: int, second: int, tolerance: float = 0.1) -> Comparison:
    names = ("parity", "sex", f"group {first}", f"group {second}")
    return Comparison(*names, (first, second), (1.0, -1.0), -tolerance, tolerance)


def four_fifths(first: int, second: int) -> Comparison:
    names = ("impact", "sex", f"group {first}", f"group {second}")
    return Comparison(*names, (first, second), (1.0, -0.8), 0.0, math.inf)


def average_odds(tolerance: float) -> Comparison:
    weights = (0.5, 0.5, -0.5, -0.5)
    return Comparison("odds", "sex", "a", "b", (0, 1, 2, 3), weights, -tolerance, tolerance)


@dataclass(frozen=True)
class Counted:
    """Sums that are rows and yes of each rate, one after the other."""

    comparisons: tuple[Comparison, ...]

    def tally(self, sums: Sums) -> Tally:
        rows, total = np.split(sums.astype(np.float64), 2)
        return Tally(rows, total, total)


def known_rates(rows: int, means: Iterable[float]) -> NDArray[np.float64]:
    """What was seen before: so many rows of yes or no with these means."""
    total = rows * np.array(list(means))[None]
    return np.stack([np.full_like(total, rows), total, total])


def mean_paid(
    sides: Sides, known: NDArray[np.float64], rows: tuple[int, ...], rates: tuple[float, ...]
) -> NDArray[np.float64]:
    """The exact mean of what is paid, over all counts of yes."""
    mean = np.zeros((len(sides.bound), len(DISTANCES)))
    for yes in product(*(range(count + 1) for count in rows)):
        chance = np.prod([binom.pmf(*one) for one in zip(yes, rows, rates, strict=True)])
        total = np.array([yes], float)
        mean += chance * pay(sides, known, np.stack([np.array([rows], float), total, total]))
    return mean


@given(rows=st.tuples(ROWS, ROWS), rates=st.tuples(RATES, RATES), seen=st.tuples(RATES, RATES))
@settings(max_examples=60, deadline=None)
def test_no_bet_gains_on_average_while_two_groups_are_within_the_tolerance(
    rows: tuple[int, int], rates: tuple[float, float], seen: tuple[float, float]
) -> None:
    # The gap of the rates is the largest that is allowed.
    sides = sides_of([difference(0, 1, abs(rates[0] - rates[1]))])

    assert (mean_paid(sides, known_rates(1000, seen), rows, rates) <= 1 + 1e-9).all()


@given(rows=st.tuples(ROWS, ROWS), rate=RATES, seen=st.tuples(RATES, RATES))
@settings(max_examples=60, deadline=None)
def test_no_bet_gains_on_average_at_four_fifths_exactly(
    rows: tuple[int, int], rate: float, seen: tuple[float, float]
) -> None:
    sides = sides_of([four_fifths(0, 1)])

    assert len(sides.bound) == 1, "one side alone is of concern"
    assert (mean_paid(sides, known_rates(50, seen), rows, (0.8 * rate, rate)) <= 1 + 1e-9).all()


@given(rows=st.tuples(*[st.integers(1, 3)] * 4), rates=st.tuples(*[RATES] * 4))
@settings(max_examples=25, deadline=None)
def test_no_bet_on_average_odds_gains_on_average_at_the_edge_of_what_is_allowed(
    rows: tuple[int, ...], rates: tuple[float, ...]
) -> None:
    gap = abs(rates[0] + rates[1] - rates[2] - rates[3]) / 2
    sides = sides_of([average_odds(gap)])

    assert (mean_paid(sides, known_rates(100, rates), rows, rates) <= 1 + 1e-9).all()


@given(values=st.lists(RATES, min_size=2, max_size=3), more=st.lists(RATES, min_size=2, max_size=3))
@settings(max_examples=60, deadline=None)
def test_no_bet_on_means_gains_on_average_at_the_edge_of_what_is_allowed(
    values: list[float], more: list[float]
) -> None:
    # Each group has two rows, each of them one of its values with equal chance.
    sides = sides_of([difference(0, 1, abs(float(np.mean(values) - np.mean(more))))])
    known = known_rates(1000, (float(np.mean(values)), float(np.mean(more))))
    known[2] = known[1] * 0.9  # spread less widely than yes and no
    paid = []
    for one, two, three, four in product(values, values, more, more):
        total = np.array([[one + two, three + four]])
        squares = np.array([[one**2 + two**2, three**2 + four**2]])
        paid.append(pay(sides, known, np.stack([np.full((1, 2), 2.0), total, squares])))

    assert (np.mean(paid, axis=0) <= 1 + 1e-9).all()


def test_rows_may_differ_from_each_other_while_their_means_are_within_the_tolerance() -> None:
    # Half of each group's rows are surely yes or no, the others not: means .6 and .5.
    sides = sides_of([difference(0, 1, 0.1)])
    known, mean = known_rates(500, (0.7, 0.5)), np.zeros(len(DISTANCES))
    for yes in product(range(6), range(6)):
        chances = binom.pmf(yes, 5, (0.2, 0.9))
        total = np.array([[5.0 + yes[0], float(yes[1]) + 0.5]])
        rows = np.array([[10.0, 10.0]])
        mean += np.prod(chances) * pay(sides, known, np.stack([rows, total, total]))[0]

    assert (mean <= 1 + 1e-9).all()


def test_means_that_are_spread_little_need_fewer_rows_than_yes_and_no() -> None:
    sides = sides_of([difference(0, 1, 0.02)])
    rows, means, spread = np.full((1, 2), 500.0), np.array([[0.33, 0.29]]), 0.05
    total, squares = rows * means, rows * (means**2 + spread**2)
    narrow, wide = np.stack([rows, total, squares]), np.stack([rows, total, total])

    assert pay(sides, narrow, narrow).max() > 20 > 2 > pay(sides, wide, wide).max()


def test_a_group_without_rows_is_not_bet_on() -> None:
    sides = sides_of([difference(0, 1)])
    block = np.stack([np.array([[0.0, 20.0]]), *[np.array([[0.0, 20.0]])] * 2])

    assert (pay(sides, known_rates(100, (0.1, 0.9)), block) == 1).all()


def test_a_limit_that_no_rates_can_pass_is_not_bet_against() -> None:
    sides = sides_of([difference(0, 1, 1.0)])
    block = np.stack([np.array([[20.0, 20.0]]), *[np.array([[20.0, 0.0]])] * 2])

    assert (pay(sides, known_rates(100, (1.0, 0.0)), block) == 1).all()


def test_a_fair_stream_raises_no_alarm_and_neither_does_one_at_the_edge() -> None:
    for name, pair in QUIET.items():
        alarms = np.isfinite(rows_until_raised(11, pair, 100, 40_000)).sum()
        assert binomtest(int(alarms), 100, ALPHA, "greater").pvalue > 0.001, name


@pytest.mark.soak
def test_the_promise_holds_over_a_million_decisions() -> None:
    for name, pair in QUIET.items():
        alarms = np.isfinite(rows_until_raised(12, pair, 2000, 1_000_000)).sum()
        assert binomtest(int(alarms), 2000).proportion_ci(0.95, "exact").high <= ALPHA, name


@pytest.mark.parametrize(
    "pair",
    [Pair(0.5, 0.35), Pair(0.05, 0.2), Pair(0.35, 0.5, share=0.2), Pair(0.23, 0.18, tolerance=0.0)],
)
def test_a_gap_of_five_points_too_many_is_found_in_twice_the_rows_of_a_test_of_fixed_size(
    pair: Pair,
) -> None:
    fixed = pair.fixed_sample()
    delays = rows_until_raised(13, pair, 60, int(4 * fixed))

    assert np.median(delays) <= 2 * fixed


def test_what_was_fair_for_long_is_found_about_as_fast_when_it_no_longer_is() -> None:
    pair, fair = Pair(0.5, 0.35), Pair(0.35, 0.35)
    delays = rows_until_raised(14, pair, 60, int(4 * pair.fixed_sample()), fair=fair)

    assert (delays > 0).all()
    assert np.median(delays) <= 2 * pair.fixed_sample()


def rule(alpha: float = ALPHA) -> AuditRule:
    """Rates of four groups, each beside the last."""
    parity = [difference(place, 3) for place in range(3)]
    return AuditRule(Counted((*parity, four_fifths(0, 3))), alpha)


def panes(rates: tuple[float, ...], count: int, seed: int, size: int = 100) -> Iterable[Sums]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield np.concatenate([np.full(4, size), rng.binomial(size, rates)])


def verdicts(of: AuditRule, sums: Iterable[Sums]) -> list[Verdict]:
    return [verdict for one in sums if (verdict := of.settled(one)) is not None]


FAIR, BIASED = (0.5, 0.5, 0.5, 0.5), (0.25, 0.5, 0.5, 0.5)


def test_the_group_that_is_treated_differently_is_named_and_no_other() -> None:
    watched = rule()
    assert verdicts(watched, panes(FAIR, 60, seed=1)) == []
    (raised,) = verdicts(watched, panes(BIASED, 60, seed=2))

    assert raised.change == "raised"
    assert raised.evidence >= raised.threshold == pytest.approx(math.pi**2 / 6 / ALPHA)
    assert {one.column for one in raised.suspects} <= {
        "parity of sex: group 0 beside group 3",
        "impact of sex: group 0 beside group 3",
    }
    assert watched.active
    assert watched.e_value == raised.evidence


def test_an_alarm_is_cleared_when_the_groups_are_alike_again_and_the_next_needs_more() -> None:
    watched = rule()
    first = watched.threshold
    verdicts(watched, panes(BIASED, 60, seed=3))
    cleared = verdicts(watched, panes(FAIR, 60, seed=4))

    assert [one.change for one in cleared] == ["cleared"]
    assert not watched.active
    assert watched.threshold == pytest.approx(4 * first)
    assert [one.change for one in verdicts(watched, panes(BIASED, 60, seed=5))] == ["raised"]


def test_a_bias_that_stays_is_one_alarm() -> None:
    assert [one.change for one in verdicts(rule(), panes(BIASED, 300, seed=6))] == ["raised"]


def test_an_alarm_ends_also_when_the_gap_stays_just_within_the_tolerance() -> None:
    watched = rule()
    verdicts(watched, panes(BIASED, 60, seed=7))
    changes = [one.change for one in verdicts(watched, panes((0.44, 0.5, 0.5, 0.5), 300, seed=8))]

    assert changes == ["cleared"]


@pytest.mark.parametrize("before", [3, 25, 40])
def test_what_is_saved_goes_on_to_the_same_verdicts(before: int) -> None:
    stream = [*panes(BIASED, 20, 9), *panes(FAIR, 40, 10), *panes(BIASED, 20, 11)]
    whole, first, second = rule(), rule(), rule()
    expected = verdicts(whole, stream)
    found = verdicts(first, stream[:before])
    second.restore(orjson.loads(orjson.dumps(first.saved())))
    found += verdicts(second, stream[before:])

    assert found == expected
    assert [one.change for one in found] == ["raised", "cleared", "raised"]
    assert second.saved() == whole.saved()


def test_panes_and_final_windows_are_bet_on_alike() -> None:
    over_panes, over_windows = rule(), rule()
    for sums in panes(BIASED, 8, seed=12):
        over_panes.observe(pane_of(sums))
        over_windows.settled(sums)

    assert over_panes.saved() == over_windows.saved()


def test_a_reference_that_is_biased_itself_lets_the_first_pane_speak() -> None:
    reference = next(iter(panes(BIASED, 1, seed=13, size=1000)))
    told, untold = AuditRule(rule().compared, ALPHA, reference=reference), rule()
    (first,) = panes(BIASED, 1, seed=14, size=400)

    assert verdicts(untold, [first]) == []
    assert [one.change for one in verdicts(told, [first])] == ["raised"]


def pane_of(sums: Sums) -> dict[str, Summary]:
    rows = int(sums[: len(sums) // 2].sum())
    return {WHOLE: Summary("", rows, np.zeros(0, np.int64), {"bias": sums})}


def test_panes_of_a_few_rows_make_a_block_together() -> None:
    one_by_one, at_once = rule(), rule()
    for sums in panes(BIASED, 1, seed=16, size=200):
        at_once.settled(sums)
    rest = next(iter(panes(BIASED, 1, seed=16, size=200)))
    for part in (rest // 50, rest - rest // 50):
        one_by_one.observe(pane_of(part))

    assert one_by_one.saved() == at_once.saved()


def test_what_waits_to_become_a_block_is_saved() -> None:
    first, second = rule(), rule()
    (sums,) = panes(FAIR, 1, seed=17, size=10)
    first.observe(pane_of(sums))
    second.restore(orjson.loads(orjson.dumps(first.saved())))
    for one in (first, second):
        assert one.observe(pane_of(sums * 5)) is None

    assert second.saved() == first.saved() != rule().saved()


def test_the_promise_says_how_many_comparisons_share_it() -> None:
    text = of_audit(0.025, rule().compared.comparisons)

    assert "at most 0.025" in text
    assert "the 4 comparisons (metrics: 2, pairs of groups: 3)" in text
    assert "no alarm" in of_audit(0.05, ())


def test_where_nothing_is_compared_nothing_is_ever_raised() -> None:
    alone = AuditRule(Counted(()), ALPHA)

    assert verdicts(alone, panes(BIASED, 3, seed=15)) == []
    assert alone.e_value == 0
