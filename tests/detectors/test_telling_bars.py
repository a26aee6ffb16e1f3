"""Bars that people read, held against the values they were counted from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from sidelight.panes import Bar
from sidelight.tensors import Column
from sidelight_detectors.cells import Counts, NumericCells, categorical_cells, numeric_cells
from sidelight_detectors.telling.bars import (
    MISSING,
    MOST,
    UNSEEN,
    bars_of_categories,
    bars_of_numbers,
    changed,
)


def column(values: list[object] | np.ndarray) -> Column:
    if isinstance(values, np.ndarray):
        return Column("x", values)
    known = np.array([one is not None for one in values])
    texts = np.array(["" if one is None else one for one in values], object)
    return Column("x", texts, None if known.all() else known)


def counted(cells: NumericCells, values: np.ndarray) -> Counts:
    return np.bincount(cells.index(column(values)), minlength=cells.size).astype(np.int64)


def numbers(reference: np.ndarray, current: np.ndarray, limit: int | None) -> tuple[Bar, ...]:
    cells = numeric_cells(column(reference), limit)
    return bars_of_numbers(cells, counted(cells, reference), counted(cells, current))


def share(values: np.ndarray, bar: Bar) -> float:
    low = -np.inf if bar.low is None else bar.low
    high = np.inf if bar.high is None else bar.high
    return float(((values >= low) & (values < high)).mean())


def test_ranges_hold_the_rows_that_lie_in_them() -> None:
    random = np.random.default_rng(1)
    reference, current = random.normal(50, 10, 4000).round(3), random.normal(60, 10, 900).round(3)
    bars = numbers(reference, current, None)
    assert 8 <= len(bars) <= MOST + 3
    for bar in bars:
        assert bar.reference == pytest.approx(share(reference, bar), abs=0.003)
        assert bar.current == pytest.approx(share(current, bar), abs=0.01)


def test_ranges_of_coarse_cells_are_right_within_a_cell() -> None:
    random = np.random.default_rng(2)
    reference, current = random.normal(0, 1, 20_000), random.normal(0.5, 1, 5000)
    for bar in numbers(reference, current, 513):
        assert bar.reference == pytest.approx(share(reference, bar), abs=0.005)
        assert bar.current == pytest.approx(share(current, bar), abs=0.01)


def test_ranges_end_at_round_numbers() -> None:
    ages = np.random.default_rng(3).integers(17, 95, 5000).astype(float)
    ends = [bar.low for bar in numbers(ages, ages, 513) if bar.low is not None]
    assert set(np.diff(ends)) <= {4.0, 5.0}
    assert ends[0] in (15.0, 17.0)


def test_few_values_have_a_bar_each_and_what_lies_between_them_is_told() -> None:
    reference = np.repeat([0.0, 1.0, 2.0, 5.0], [10, 20, 30, 40])
    bars = numbers(reference, np.array([1.0, 3.0, 7.0, np.nan]), 513)
    assert [(bar.low, bar.high, bar.reference, bar.current) for bar in bars[:-1]] == [
        (0.0, 0.0, 0.1, 0.0),
        (1.0, 1.0, 0.2, 0.25),
        (2.0, 2.0, 0.3, 0.0),
        (2.0, 5.0, 0.0, 0.25),
        (5.0, 5.0, 0.4, 0.0),
        (5.0, None, 0.0, 0.25),
    ]
    assert bars[-1] == Bar(MISSING, None, None, 0.0, 0.25)


def test_where_most_rows_crowd_together_ranges_are_filled_evenly() -> None:
    random = np.random.default_rng(4)
    wealth = np.exp(random.normal(0, 3, 10_000))
    bars = numbers(wealth, wealth, 513)
    assert max(bar.reference for bar in bars) < 0.1


def test_a_value_that_most_rows_have_stays_one_bar() -> None:
    gains = np.concatenate([np.zeros(9000), np.random.default_rng(5).uniform(1, 9e4, 1000)])
    bars = numbers(gains, gains, 513)
    assert max(bar.reference for bar in bars) == pytest.approx(0.9, abs=0.01)


def test_infinities_have_a_name_and_no_end() -> None:
    bars = numbers(np.array([-np.inf, 0.0, 1.0, np.inf]), np.array([np.inf, 3.0]), 513)
    assert [bar.name for bar in bars] == ["minus infinity", "", "", "", "infinity"]
    assert (bars[3].low, bars[3].high, bars[3].current) == (1.0, None, 0.5)


VALUES = st.lists(
    st.one_of(
        st.floats(allow_nan=True, allow_infinity=True, width=32),
        st.integers(-5, 5).map(float),
    ),
    min_size=1,
    max_size=80,
)


@given(reference=VALUES, current=VALUES, limit=st.sampled_from([None, 5, 17, 65]))
@limits(max_examples=300, deadline=None)
def test_every_row_is_in_one_bar(
    reference: list[float], current: list[float], limit: int | None
) -> None:
    bars = numbers(np.array(reference), np.array(current), limit)
    assert sum(bar.reference for bar in bars) == pytest.approx(1)
    assert sum(bar.current for bar in bars) == pytest.approx(1)
    ends = [end for bar in bars if not bar.name for end in (bar.low, bar.high) if end is not None]
    assert ends == sorted(ends)
    assert np.isfinite(ends).all()


def test_categories_stand_by_how_common_they_are_on_either_side() -> None:
    cells = categorical_cells(column([*"aaabbc", None]))
    reference = np.array([3, 2, 1, 0, 1])
    current = np.array([0, 1, 8, 2, 0])
    bars = bars_of_categories(cells, reference, current)
    assert [bar.name for bar in bars] == ["c", "a", "b", UNSEEN, MISSING]
    assert [bar.current for bar in bars] == pytest.approx([8 / 11, 0, 1 / 11, 2 / 11, 0])
    assert [bar.reference for bar in bars] == pytest.approx([1 / 7, 3 / 7, 2 / 7, 0, 1 / 7])


def test_many_categories_are_put_together_beyond_the_commonest() -> None:
    names = [f"c{number:03}" for number in range(100)]
    cells = categorical_cells(column([*names]))
    counts = np.append(np.arange(100, 0, -1), [0, 0])
    bars = bars_of_categories(cells, counts, counts)
    assert len(bars) == MOST + 1
    assert bars[-1].name == "80 others"
    assert sum(bar.reference for bar in bars) == pytest.approx(1)


def test_categories_are_gained_when_they_come_and_lost_only_beyond_chance() -> None:
    cells = categorical_cells(column(["a", "b", "c", "d"]))
    reference = np.array([600, 390, 10, 0, 0, 0])
    current = np.array([90, 0, 0, 10, 0, 0])
    assert changed(cells, reference, current) == (("d",), ("b",))
    assert changed(cells, reference, current * 0) == ((), ())
