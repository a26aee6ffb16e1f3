from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidelight.errors import DataMismatch
from sidelight.tensors import Column, column_of
from sidelight_detectors.cells import (
    MAX_CATEGORIES,
    CategoricalCells,
    NumericCells,
    categorical_cells,
    numeric_cells,
)
from sidelight_detectors.texts import text_of

floats = st.floats(width=64)
finite_points = st.lists(st.floats(allow_nan=False), max_size=8, unique_by=lambda x: x + 0.0)


def expected_cell(points: list[float], value: float) -> int:
    """The cell read off the table in the module's docstring, one comparison after the other."""
    if np.isnan(value):
        return 2 * len(points) + 1
    below = sum(point < value for point in points)
    return 2 * below + (value in points)


@given(finite_points, st.lists(floats, max_size=20))
@example([sys.float_info.max, math.inf], [])
@example([sys.float_info.max], [math.inf])
@example([-math.inf, 0.0, 5e-324], [-0.0])
@settings(max_examples=500)
def test_a_number_lands_in_its_point_or_gap(points: list[float], values: list[float]) -> None:
    points = sorted(point + 0.0 for point in points)
    near = [math.nextafter(point, side) for point in points for side in (-math.inf, math.inf)]
    values = [*values, *points, *near, np.nan, np.inf, -np.inf]

    cells = NumericCells("x", np.array(points)).index(Column("x", np.array(values, np.float64)))

    assert cells.tolist() == [expected_cell(points, value) for value in values]


def test_a_null_is_not_a_nan() -> None:
    cells = NumericCells("x", np.array([1.0]))
    column = Column("x", np.array([1.0, np.nan, np.nan]), np.array([True, True, False]))

    assert cells.index(column).tolist() == [1, 3, 4]
    assert cells.size == 5


def test_times_and_booleans_can_be_watched_as_numbers() -> None:
    times = np.array(["2026-01-01", "2026-01-02", "NaT"], "datetime64[us]")
    cells = numeric_cells(Column("t", times), None)

    assert cells.index(Column("t", times)).tolist() == [1, 3, 6]
    assert numeric_cells(column_of("b", [True, False]), None).points.tolist() == [0.0, 1.0]


def test_text_in_a_numeric_column_names_the_column_and_the_way_out() -> None:
    with pytest.raises(DataMismatch, match=r"'age' holds string values.*declare it categorical"):
        NumericCells("age", np.array([1.0])).index(column_of("age", ["a"]))


def test_a_column_of_nulls_only_is_a_column_of_nulls_of_any_kind() -> None:
    nulls = Column("x", np.array(["", ""], object), np.array([False, False]))

    assert NumericCells("x", np.array([1.0])).index(nulls).tolist() == [4, 4]


def test_one_value_a_row_may_come_as_a_thin_matrix_but_not_as_a_wide_one() -> None:
    cells = NumericCells("x", np.array([1.0]))

    assert cells.index(Column("x", np.array([[1.0], [2.0]]))).tolist() == [1, 2]
    with pytest.raises(DataMismatch, match=r"shape \(2, 3\)"):
        cells.index(Column("x", np.zeros((2, 3))))


def test_a_fine_column_is_cut_into_at_most_513_cells_with_the_extremes_as_points() -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    values[:4000] = 0.0
    cells = numeric_cells(Column("x", values), 513)

    assert cells.size - 2 <= 513
    assert {values.min(), 0.0, values.max()} <= set(cells.points)


def test_few_values_keep_a_cell_each_under_any_limit() -> None:
    assert numeric_cells(column_of("x", [3, 1, 2, 2]), 7).points.tolist() == [1.0, 2.0, 3.0]
    assert len(numeric_cells(column_of("x", [3, 1, 2, 2]), 5).points) == 2


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 0, 7]),
        np.array([1.0, -0.0, 7.0]),
        np.array([1, 0, 7], np.uint8),
        np.array([1, 0, 7], np.float32),
        np.array(["1", "0", "7"], object),
        np.array([b"1", b"0", b"7"], object),
    ],
    ids=lambda values: str(values.dtype),
)
def test_a_category_is_one_however_it_was_sent(values: np.ndarray[Any, Any]) -> None:
    cells = CategoricalCells("c", ("0", "1"))

    assert cells.index(Column("c", values)).tolist() == [1, 0, cells.other]


def test_booleans_are_the_categories_true_and_false() -> None:
    cells = categorical_cells(column_of("c", [True, False]))

    assert cells.categories == ("false", "true")
    assert cells.index(column_of("c", ["true", "True"])).tolist() == [1, cells.other]


def test_a_fraction_is_compared_in_its_own_precision() -> None:
    cells = CategoricalCells("c", ("0.1",))

    assert cells.index(Column("c", np.array([0.1], np.float32))).tolist() == [0]
    assert cells.index(Column("c", np.array([0.1]))).tolist() == [0]


def test_nan_is_the_category_of_its_text() -> None:
    cells = CategoricalCells("c", ("1", "nan"))

    assert cells.index(Column("c", np.array([np.nan, 1.0]))).tolist() == [1, 0]


def test_long_whole_numbers_stay_apart() -> None:
    cells = CategoricalCells("c", (str(2**53), str(2**53 + 1)))

    assert cells.index(Column("c", np.array([2**53 + 1, 2**53, 2**53 + 2]))).tolist() == [1, 0, 2]


numbers = st.one_of(
    st.lists(st.integers(-5, 2**60), min_size=1).map(np.array),
    st.lists(floats, min_size=1).map(np.array),
    st.lists(st.floats(width=32), min_size=1).map(lambda x: np.array(x, np.float32)),
)


@given(numbers, st.randoms())
def test_numbers_find_the_category_their_text_names(
    values: np.ndarray[Any, Any], random: Any
) -> None:
    texts = [text_of(value) for value in values]
    cells = CategoricalCells("c", tuple(sorted(set(random.sample(texts, len(texts) // 2)))))
    by_text = cells.index(Column("c", np.array(texts, object)))

    assert cells.index(Column("c", values)).tolist() == by_text.tolist()


def test_declared_categories_hold_against_the_reference() -> None:
    cells = categorical_cells(column_of("c", [1, 2, 3]), (True, 1, "b"))

    assert cells.categories == ("1", "b", "true")
    assert cells.index(column_of("c", [1, 2])).tolist() == [0, cells.other]


def test_nulls_are_no_category() -> None:
    column = column_of("c", ["a", None, "b"])
    cells = categorical_cells(column)

    assert cells.categories == ("a", "b")
    assert cells.index(column).tolist() == [0, cells.null, 1]


def test_the_rarest_of_very_many_categories_share_a_cell() -> None:
    values = np.concatenate([np.arange(MAX_CATEGORIES + 5), np.arange(5, MAX_CATEGORIES + 5)])
    cells = categorical_cells(Column("c", values))

    assert len(cells.categories) == MAX_CATEGORIES
    assert cells.index(Column("c", np.arange(7))).tolist()[:5] == [cells.other] * 5
