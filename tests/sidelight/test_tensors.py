"""Columns: choosing, joining, nulls and kinds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns, column_of


def matrix(values: Any, name: str = "x") -> Columns:
    return Columns((Column(name, np.asarray(values)),))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "number"),
        ([1.5], "number"),
        ([True], "boolean"),
        (["a"], "string"),
        ([b"a"], "bytes"),
        ([None, b"a"], "bytes"),
        ([None, "a"], "string"),
        ([datetime(2026, 1, 1)], "time"),
        (np.array([], object), "string"),
    ],
)
def test_the_kind_follows_from_the_values(values: Any, kind: str) -> None:
    assert column_of("x", values).kind == kind


@pytest.mark.parametrize(
    ("values", "expected", "valid"),
    [
        ([1, None], [1, 0], [True, False]),
        ([True, None], [True, False], [True, False]),
        (["a", None], ["a", ""], [True, False]),
        (["a", float("nan")], ["a", ""], [True, False]),
        ([b"a", None], [b"a", b""], [True, False]),
        ([["a", None]], [["a", ""]], [[True, False]]),
    ],
)
def test_none_is_a_null_with_a_neutral_value(values: Any, expected: Any, valid: Any) -> None:
    column = column_of("x", values)

    assert column.values.tolist() == expected
    assert column.valid is not None
    assert column.valid.tolist() == valid


def test_a_nan_among_numbers_is_a_number() -> None:
    column = column_of("x", [1.0, float("nan"), None])

    assert np.isnan(column.values[1:]).all()
    assert column.valid is not None
    assert column.valid.tolist() == [True, True, False]


def test_nulls_nan_and_nat_are_unknown() -> None:
    assert column_of("a", [1.0, np.nan, None]).known().tolist() == [True, False, False]
    assert column_of("a", ["x", None]).known().tolist() == [True, False]
    times = Column("a", np.array(["2026-01-01", "NaT"], "datetime64[us]"))
    assert times.known().tolist() == [True, False]


def test_bytes_keep_their_trailing_zeros() -> None:
    assert column_of("x", [b"a\0", b"\0"]).values.tolist() == [b"a\0", b"\0"]


def test_times_are_microseconds_in_utc() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    column = column_of("x", [noon, None])

    assert column.values.dtype == np.dtype("datetime64[us]")
    assert column.values[0] == np.datetime64(noon.astimezone(UTC).replace(tzinfo=None))
    assert np.isnat(column.values[1])


@pytest.mark.parametrize(
    "values", [["a", 1], [b"a", "a"], [True, None, 1], [1, "a", None], [{"a": 1}], [[1], [1, 2]]]
)
def test_mixed_kinds_and_ragged_rows_are_refused(values: Any) -> None:
    with pytest.raises(DataMismatch, match="'x'"):
        column_of("x", values)


def test_columns_are_selected_by_name_in_the_order_asked() -> None:
    columns = Columns.of(a=[1], b=[2], c=[3])

    assert columns.select(["c", "a"]).names == ("c", "a")


def test_a_matrix_of_the_right_width_is_selected_by_position() -> None:
    found = matrix([[1, 2], [3, 4]]).select(["age", "gain"])

    assert found["gain"].values.tolist() == [2, 4]


def test_the_nulls_of_a_matrix_go_with_their_columns() -> None:
    values, valid = np.array([[1.0, np.nan]]), np.array([[True, False]])
    found = Columns((Column("x", values, valid),)).select(["age", "gain"])

    assert found["age"].valid is not None
    assert found["age"].valid.tolist() == [True]
    assert found["gain"].valid is not None
    assert found["gain"].valid.tolist() == [False]


def test_a_lone_plain_column_is_a_matrix_of_width_one() -> None:
    assert matrix([1, 2]).select(["age"])["age"].values.tolist() == [1, 2]


def test_positions_are_selected_by_names() -> None:
    columns = Columns((Column("0", np.array([1])), Column("1", np.array(["m"], object))))

    assert columns.select(["age", "sex"])["sex"].values.tolist() == ["m"]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataMismatch, match="'sex' is missing"):
        Columns.of(age=[1], gain=[2]).select(["age", "sex"])
    with pytest.raises(DataMismatch, match="'b' is missing"):
        matrix([[1, 2, 3]]).select(["x", "b"])
    with pytest.raises(DataMismatch, match="'b' is missing"):
        matrix(np.zeros((1, 2, 2))).select(["x", "b"])
    with pytest.raises(DataMismatch, match="'sex', 'city' are missing"):
        Columns.of(age=[1]).select(["age", "sex", "city"])


def test_rows_are_joined_in_order_with_the_parameters_of_the_first() -> None:
    first = Columns(Columns.of(a=[1], b=["x"]).columns, {"id": "1"})
    found = Columns.concatenate([first, Columns.of(b=["y"], a=[2])])

    assert found["a"].values.tolist() == [1, 2]
    assert found["b"].values.tolist() == ["x", "y"]
    assert found["a"].valid is None
    assert found.parameters == {"id": "1"}


def test_nulls_join_with_none() -> None:
    found = Columns.concatenate([Columns.of(a=[1, None]), Columns.of(a=[2])])["a"]

    assert found.valid is not None
    assert found.valid.tolist() == [True, False, True]
    assert found.values.dtype == np.int64


def test_integers_join_floats_as_floats() -> None:
    found = Columns.concatenate([Columns.of(a=[1]), Columns.of(a=[0.5])])

    assert found["a"].values.tolist() == [1.0, 0.5]


@pytest.mark.parametrize("values", [["x"], [b"x"], [7], [0.5], [True], [datetime(2026, 1, 1)]])
def test_a_column_of_nulls_takes_the_kind_of_its_neighbours(values: Any) -> None:
    nulls = Columns((Column("a", np.array([np.nan]), np.array([False])),))
    for parts in ([nulls, Columns.of(a=values)], [Columns.of(a=values), nulls]):
        found = Columns.concatenate(parts)["a"]

        assert found.kind == column_of("a", values).kind
        assert found.values.dtype == column_of("a", values).values.dtype
        assert found.valid is not None
        assert found.valid.sum() == 1


def test_nulls_alone_join_as_nulls() -> None:
    nulls = Columns((Column("a", np.array([np.nan]), np.array([False])),))
    found = Columns.concatenate([nulls, nulls])["a"]

    assert found.valid is not None
    assert not found.valid.any()


def test_parts_without_rows_say_nothing() -> None:
    full = Columns.of(a=[1])

    assert Columns.concatenate([Columns(()), full, Columns.of(b=[])])["a"].values.tolist() == [1]
    assert Columns.concatenate([Columns.of(b=[])]).names == ("b",)
    assert len(Columns.concatenate([])) == 0


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Columns.of(a=["x"]), "'a' is number"),
        (Columns.of(a=[True]), "boolean"),
        (Columns.of(a=[[1, 2]]), r"shape \(2,\)"),
        (Columns.of(b=[1]), "is not in all parts"),
        (Columns.of(a=[1], b=[1]), "'b' is not in all parts"),
    ],
)
def test_parts_that_do_not_fit_are_refused_by_column(other: Columns, told: str) -> None:
    with pytest.raises(DataMismatch, match=told):
        Columns.concatenate([Columns.of(a=[1]), other])


def test_rows_are_taken_with_their_nulls() -> None:
    columns = Columns.of(a=[1, None, 3])
    found = columns.take([2, 1])["a"]

    assert found.values.tolist() == [3, 0]
    assert found.valid is not None
    assert found.valid.tolist() == [True, False]


def test_names_are_unique_and_columns_of_one_length() -> None:
    column = column_of("a", [1])
    with pytest.raises(DataMismatch, match="two columns are named 'a'"):
        Columns((column, column))
    with pytest.raises(DataMismatch, match="different numbers of rows"):
        Columns.of(a=[1], b=[1, 2])
    with pytest.raises(DataMismatch, match="no column 'b'"):
        Columns((column,))["b"]
    with pytest.raises(DataMismatch, match="is a scalar"):
        Column("a", np.array(1))
    with pytest.raises(DataMismatch, match="valid has shape"):
        Column("a", np.array([1]), np.array([True, False]))


def test_a_number_of_each_row_is_selected_by_its_index() -> None:
    answer = Columns.of(label=["a", "b"], probability=[[0.9, 0.1], [0.2, 0.8]])

    selected = answer.select(["probability[1]", "label"])

    assert selected.names == ("probability[1]", "label")
    assert selected["probability[1]"].values.tolist() == [0.1, 0.8]


@pytest.mark.parametrize("name", ["probability[2]", "label[0]", "other[0]"])
def test_an_index_that_is_not_there_is_refused_by_name(name: str) -> None:
    answer = Columns.of(label=["a"], probability=[[0.9, 0.1]])

    with pytest.raises(DataMismatch, match=re.escape(name)):
        answer.select([name])


def test_a_matrix_of_another_width_is_refused_with_its_shape() -> None:
    rows = Columns.of(instances=[[1.0, 2.0, 3.0]])

    with pytest.raises(DataMismatch, match=r"expected 2 columns .* 'instances' of shape \(1, 3\)"):
        rows.select(["age", "hours"])
