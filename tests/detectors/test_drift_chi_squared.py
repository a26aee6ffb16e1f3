from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2, chi2_contingency, hypergeom

from sidelight_detectors.cells import CategoricalCells
from sidelight_detectors.drift.chi_squared import homogeneity_ps, one_table
from sidelight_detectors.drift.chi_squared import pearson as pearsons
from sidelight_detectors.drift.groups import NEW, Grouped, group_categories

REFERENCE, WINDOW = 20_000, 1000


@dataclass(frozen=True)
class Test:
    """One column and its groups."""

    __test__ = False

    grouped: Grouped

    @property
    def error(self) -> float:
        return self.grouped.pooled

    def table(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Window and reference by group, without groups that both leave empty."""
        groups = len(self.grouped.reference)
        window = np.bincount(self.grouped.of_cell, counts, groups).astype(np.int64)
        table = np.stack([window, self.grouped.reference])
        return table[:, table.any(axis=0)]


def pearson(table: NDArray[np.int64]) -> float:
    return float(pearsons(one_table(table))[0])


def total_variation(table: NDArray[np.int64]) -> float:
    return float(one_table(table).variation[0])


def homogeneity_p(table: NDArray[np.int64]) -> float:
    return float(homogeneity_ps(one_table(table))[0])


def fitted(reference: list[int], other: int = 0, null: int = 0) -> Test:
    """A test whose deciding fifth is exactly a fifth of each category."""
    cells = CategoricalCells("c", tuple(f"{i:03}" for i in range(len(reference))))
    counts = np.array([*reference, other, null])
    return Test(group_categories(cells, counts, counts // 5, WINDOW))


shares = st.lists(st.integers(600, 9000), min_size=2, max_size=8)


@given(shares, st.data())
def test_where_nothing_is_pooled_the_statistic_is_scipys(
    reference: list[int], data: st.DataObject
) -> None:
    hits = st.integers(0, 400)
    sizes = st.lists(hits, min_size=len(reference), max_size=len(reference)).filter(any)
    window = data.draw(sizes)
    test = fitted(reference)
    table = test.table(np.array([*window, 0, 0]))
    expected = chi2_contingency(np.array([window, reference]), correction=False)

    assert pearson(table) == pytest.approx(expected.statistic, rel=1e-12, abs=1e-12)
    assert table.shape[1] - 1 == expected.dof
    assert test.error == 0


@given(shares, st.integers(0, 2**32))
def test_large_counts_give_the_p_value_of_pearsons_test(reference: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    window = rng.multinomial(100_000, np.array(reference) / sum(reference))
    table = np.array([window, np.array(reference) * 100])
    expected = chi2_contingency(table, correction=False).pvalue

    assert homogeneity_p(table) == pytest.approx(expected, rel=0.1, abs=1e-3)


@given(st.integers(0, 30), st.integers(0, 300), st.integers(1, 200), st.integers(1, 3000))
def test_two_categories_give_the_mid_tail_of_the_hypergeometric_law(
    hits: int, missed: int, drawn_others: int, others: int
) -> None:
    draws, total = hits + drawn_others, hits + missed + drawn_others + others
    law = hypergeom(total, hits + missed, draws)
    mid = 0.5 * law.pmf(hits)
    tail = min(law.sf(hits) + mid, law.cdf(hits - 1) + mid)
    table = np.array([[hits, drawn_others], [missed, others]])

    assert homogeneity_p(table) == pytest.approx(min(1.0, 2 * tail), rel=1e-6, abs=1e-12)


def test_far_tails_keep_their_digits() -> None:
    law = hypergeom(21_000, 400, 1000)
    table = np.array([[150, 850], [250, 19_750]])
    mid = law.sf(150) + 0.5 * law.pmf(150)

    assert homogeneity_p(table) == pytest.approx(2 * mid, rel=1e-6)
    assert 0 < homogeneity_p(np.array([[1000, 0], [0, 20_000]])) < 1e-250


def test_total_variation_is_half_the_difference_of_shares() -> None:
    assert total_variation(np.array([[50, 50], [900, 100]])) == pytest.approx(0.4)


def test_rare_categories_are_pooled_and_new_ones_stand_apart() -> None:
    test = fitted([15_000, 4000, 60, 50, 3], other=0, null=40)

    assert test.grouped.of_cell.tolist() == [2, 3, 1, 1, NEW, NEW, 1]
    assert test.grouped.reference.tolist() == [3, 48 + 40 + 32, 12_000, 3200]
    assert test.error == pytest.approx(123 / 15_323)


@given(
    st.lists(st.integers(0, 400), min_size=3, max_size=12).map(lambda counts: [*counts, 9000]),
    st.data(),
)
def test_pooling_hides_no_more_than_the_error_it_states(
    reference: list[int], data: st.DataObject
) -> None:
    seen = st.lists(st.integers(0, 60), min_size=len(reference), max_size=len(reference))
    window = np.array([*data.draw(seen.filter(any)), 3, 0])
    test = fitted(reference)
    counts = np.array([*reference, 0, 0])
    if test.error:
        counts -= counts // 5
    over_cells = total_variation(np.array([window, counts]))
    over_groups = total_variation(test.table(window))

    assert over_groups - 1e-12 <= over_cells <= over_groups + test.error + 1e-12


def test_a_common_null_is_a_category() -> None:
    assert fitted([15_000], null=5000).grouped.of_cell.tolist() == [2, NEW, 3]


def test_a_value_never_seen_is_found_in_a_constant_column() -> None:
    test = fitted([REFERENCE])

    assert homogeneity_p(test.table(np.array([WINDOW, 0, 0]))) == 1
    for window in ([WINDOW - 8, 8, 0], [WINDOW - 8, 0, 8]):
        assert homogeneity_p(test.table(np.array(window))) < 1e-9
    assert homogeneity_p(test.table(np.array([WINDOW - 1, 1, 0]))) > 0.01


def test_a_flood_of_new_values_is_found_among_very_many_rare_ones() -> None:
    """A hundred rare categories fill the rare pool; what is new does not drown in it."""
    test = fitted([100] * 200)
    quiet, flood = np.array([*[5] * 200, 0, 0]), np.array([*[4] * 200, 200, 0])

    assert homogeneity_p(test.table(quiet)) == 1
    assert homogeneity_p(test.table(flood)) < 1e-100
    assert total_variation(test.table(flood)) == pytest.approx(0.2)


def test_a_pool_below_five_is_tested_exactly() -> None:
    """Two expected, nine seen: Pearson's p is wrong by orders of magnitude, the tail is not."""
    test = fitted([19_960, 40])
    table = test.table(np.array([991, 9, 0, 0]))
    law = hypergeom(17_000, 32 + 9, 1000)

    assert homogeneity_p(table) == pytest.approx(2 * (law.sf(9) + law.pmf(9) / 2), rel=1e-6)
    assert chi2.sf(pearson(table), 1) < 0.05 * homogeneity_p(table)


def test_a_window_like_no_other_has_no_p_value_of_zero() -> None:
    test = fitted([10_000, 10_000])

    assert 0 < homogeneity_p(test.table(np.array([0, 0, 1000, 0]))) < 1e-200


def test_a_column_of_values_that_never_repeat_says_nothing() -> None:
    cells = CategoricalCells("id", tuple(f"{i:05}" for i in range(5000)))
    counts = np.array([*[1] * 5000, 0, 0])
    deciding = np.where(np.arange(5002) < 1000, counts, 0)
    test = Test(group_categories(cells, counts, deciding, WINDOW))
    window = np.array([*[0] * 5000, 1000, 0])

    assert homogeneity_p(test.table(window)) == 1
    assert total_variation(test.table(window)) == 0
    assert test.error == 1


TABLES = {
    "even": np.full(4, 0.25),
    "lopsided": np.array([0.994, 0.006]),
    "skewed": np.array([0.78, 0.08, 0.06, 0.04, 0.02, 0.01, 0.006, 0.003, 0.001]),
    "halving": 0.5 ** np.arange(1.0, 13.0),
    "long tail": 1 / np.arange(1.0, 301.0) ** 1.2,
    "many alike": np.ones(150),
}


def null_p_values(
    shares: NDArray[np.float64], reference: int, window: int, repeats: int
) -> NDArray[np.float64]:
    """P-values of windows from the same law as the reference, the reference drawn anew."""
    rng = np.random.default_rng(11)
    shares = shares / shares.sum()
    return np.array([_null_p(rng, shares, reference, window) for _ in range(repeats)])


def _null_p(
    rng: np.random.Generator, shares: NDArray[np.float64], reference: int, window: int
) -> float:
    counts, seen = rng.multinomial(reference, shares), rng.multinomial(window, shares)
    deciding = rng.multivariate_hypergeometric(counts, reference // 5, method="marginals")
    known = counts > 0
    cells = CategoricalCells("c", tuple(f"{i:04}" for i in range(int(known.sum()))))
    both = np.append(counts[known], [0, 0]), np.append(deciding[known], [0, 0])
    test = Test(group_categories(cells, *both, window))
    return homogeneity_p(test.table(np.append(seen[known], [seen[~known].sum(), 0])))


def assert_calibrated(p_values: NDArray[np.float64], levels: tuple[float, ...]) -> None:
    """No level is passed more often than its share and four standard errors allow."""
    for level in levels:
        allowed = len(p_values) * level
        assert (p_values <= level).sum() <= allowed + 4 * np.sqrt(allowed) + 1, level


@pytest.mark.parametrize("name", TABLES)
def test_quiet_windows_rarely_have_small_p_values(name: str) -> None:
    assert_calibrated(null_p_values(TABLES[name], 20_000, 1000, 600), (0.05, 0.01, 0.001))


def test_the_choice_of_pools_does_not_bend_the_p_values() -> None:
    """150 categories of 13 in 2000: half of them are rare by chance, and chance must not count."""
    assert_calibrated(null_p_values(np.ones(150), 2000, 500, 1000), (0.05, 0.01, 0.001))


@pytest.mark.soak
@pytest.mark.parametrize("window", [500, 1000])
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.timeout(3600)
def test_the_far_tail_is_calibrated(name: str, window: int) -> None:
    p_values = null_p_values(TABLES[name], 20_000, window, 100_000)
    assert_calibrated(p_values, (0.01, 1e-3, 1e-4, 1e-5))


@settings(max_examples=50)
@given(st.lists(st.integers(0, 50), min_size=2, max_size=6), st.integers(1, 400))
def test_any_table_has_a_p_value(window: list[int], scale: int) -> None:
    table = np.array([window, [scale] * len(window)])

    assert 0 < homogeneity_p(table) <= 1
