from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import kolmogorov
from scipy.stats import ks_2samp

from sidelight.tensors import Column
from sidelight_detectors.cells import Counts, NumericCells, numeric_cells
from sidelight_detectors.drift.kolmogorov import kolmogorov_ps
from sidelight_detectors.drift.numeric import NumericReference, NumericWindow
from sidelight_detectors.drift.stack import stack_of

tied = st.integers(-4, 4).map(float)
values = st.one_of(tied, st.floats(-1e9, 1e9), st.sampled_from([np.inf, -np.inf, np.nan]))
NULL = None


def column(items: list[float | None]) -> Column:
    numbers = np.array([np.nan if item is None else item for item in items])
    return Column("x", numbers, np.array([item is not None for item in items]))


def ranked(items: list[float | None], order: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ranks with NaN above every number and null above NaN: the rule, written down once more."""
    top = len(order)
    ranks = [
        top + 1 if item is None else top if np.isnan(item) else int(np.searchsorted(order, item))
        for item in items
    ]
    return np.array(ranks)


def counted(cells: NumericCells, items: Column) -> Counts:
    return np.bincount(cells.index(items), minlength=cells.size)


@dataclass(frozen=True)
class OneColumn:
    """The reference of one column, by its counts."""

    counts: Counts

    @property
    def reference(self) -> NumericReference:
        return NumericReference(self.counts, stack_of([len(self.counts)]))

    @property
    def error(self) -> float:
        return float(self.reference.errors[0])

    def distance(self, counts: Counts) -> float:
        return float(NumericWindow(counts, self.reference).distances[0])


def kolmogorov_p(distance: float, n: int, m: int) -> float:
    return float(kolmogorov_ps(np.array([distance]), np.array([n]), np.array([m]))[0])


samples = st.lists(st.one_of(values, st.just(NULL)), min_size=2, max_size=60)


@given(samples, samples)
@settings(max_examples=400)
def test_exact_cells_give_the_statistic_of_scipy(
    reference: list[float | None], window: list[float | None]
) -> None:
    """Ties, constants, new values, n unlike m, NaN, infinities and nulls."""
    cells = numeric_cells(column(reference), None)
    test = OneColumn(counted(cells, column(reference)))
    numbers = [item for item in reference + window if item is not None and not np.isnan(item)]
    order = np.unique(numbers)
    expected = ks_2samp(ranked(window, order), ranked(reference, order), method="asymp").statistic

    assert test.distance(counted(cells, column(window))) == pytest.approx(expected, abs=1e-12)
    assert test.error == 0


@given(
    st.lists(tied | st.floats(-3, 3), min_size=20, max_size=300),
    st.lists(tied | st.floats(-3, 3), min_size=1, max_size=100),
    st.integers(5, 41),
)
def test_coarse_cells_are_below_the_exact_distance_by_at_most_the_error_they_state(
    reference: list[float], window: list[float], limit: int
) -> None:
    cells = numeric_cells(Column("x", np.array(reference)), limit)
    test = OneColumn(counted(cells, Column("x", np.array(reference))))
    coarse = test.distance(counted(cells, Column("x", np.array(window))))
    exact = ks_2samp(window, reference, method="asymp").statistic

    assert exact - test.error - 1e-12 <= coarse <= exact + 1e-12


def test_the_default_cells_of_a_continuous_column_lose_less_than_half_a_percent() -> None:
    values = np.random.default_rng(1).normal(size=20_000)
    cells = numeric_cells(Column("x", values), 513)

    assert 0 < OneColumn(counted(cells, Column("x", values))).error < 0.005


@pytest.mark.parametrize(
    ("n", "m"), [(1, 2), (2, 3), (1, 4), (5, 5), (20, 300), (100, 101), (7, 50)]
)
def test_the_p_value_is_never_below_the_exact_one(n: int, m: int) -> None:
    steps = np.arange(1, n * m + 1, max(1, n * m // 200))
    for distance in np.unique(np.round(steps / (n * m), 12)):
        exact = exact_p(n, m, float(distance))
        assert kolmogorov_p(float(distance), n, m) >= exact * (1 - 1e-9)


@pytest.mark.parametrize("n", [*range(1, 60), 100, 200, 300, 400, 457, 458, 459, 700])
def test_the_p_value_is_never_below_the_exact_one_for_equal_sizes(n: int) -> None:
    """By the closed form of Gnedenko and Korolyuk (1951)."""
    for k in range(1, n + 1):
        terms = ((-1) ** (i + 1) * comb(2 * n, n - i * k) for i in range(1, n // k + 1))
        exact = Fraction(2 * sum(terms), comb(2 * n, n))
        assert kolmogorov_p(k / n, n, n) >= float(exact) * (1 - 1e-9)


def exact_p(n: int, m: int, distance: float) -> float:
    """P(D >= distance) by counting lattice paths that stay inside the band (Hodges, 1958)."""
    limit = distance * n * m - 1e-6
    inside = np.zeros(m + 1)
    inside[0] = 1.0
    for i in range(n + 1):
        for j in range(m + 1):
            if abs(i * m - j * n) >= limit:
                inside[j] = 0.0
            elif i + j:
                above = inside[j] * i / (i + j) if i else 0.0
                left = inside[j - 1] * j / (i + j) if j else 0.0
                inside[j] = above + left
    return float(1 - inside[m])


@given(st.floats(1.3, 4.0), st.integers(500, 2000))
def test_in_the_tail_the_p_value_is_kolmogorovs(scaled: float, n: int) -> None:
    m = 20_000
    p_value = kolmogorov_p(scaled / np.sqrt(n * m / (n + m)), n, m)

    assert p_value == pytest.approx(kolmogorov(scaled), rel=1e-3)


def test_the_p_value_follows_scipy_at_the_sizes_that_are_used() -> None:
    rng = np.random.default_rng(2)
    reference, window = rng.normal(size=20_000), rng.normal(0.15, 1.0, size=1000)
    found = ks_2samp(window, reference, method="asymp")

    ours = kolmogorov_p(float(found.statistic), 1000, 20_000)
    assert found.pvalue <= ours <= 1.2 * found.pvalue


def test_a_flood_of_nulls_is_a_distance_like_any_other() -> None:
    numbers = Column("x", np.arange(1000.0))
    cells = numeric_cells(numbers, None)
    test = OneColumn(counted(cells, numbers))
    valid = np.arange(1000) % 4 > 0

    window = counted(cells, Column("x", np.arange(1000.0), valid))

    assert test.distance(window) == pytest.approx(0.25)
