from __future__ import annotations

import datetime
import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidelight.errors import DataMismatch
from sidelight_detectors.reference import load_reference


def test_a_csv_becomes_typed_columns_with_nulls(tmp_path: Path) -> None:
    path = tmp_path / "reference.csv"
    path.write_text("age,sex,member,income\n39,f,true,1.5\n,m,false,\n50,m,true,2\n")

    columns = load_reference(path)

    assert columns.names == ("age", "sex", "member", "income")
    assert [column.kind for column in columns] == ["number", "string", "boolean", "number"]
    assert columns["age"].values.tolist() == [39, 0, 50]
    assert columns["age"].valid is not None
    assert columns["age"].valid.tolist() == [True, False, True]
    assert columns["sex"].valid is None
    assert np.isnan(columns["income"].values[1])


def test_a_compressed_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "reference.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n2\n"))

    assert load_reference(path)["a"].values.tolist() == [1, 2]


def test_a_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "small": pa.array([1, None, 3], pa.int8()),
            "half": pa.array([0.5, None, float("nan")], pa.float32()),
            "flag": pa.array([True, None, False]),
            "name": pa.array(["a", None, "c"], pa.large_string()),
            "word": pa.array(["x", "y", None]).dictionary_encode(),
            "when": pa.array([0, None, 1_500_000_000], pa.timestamp("ns", "UTC")),
            "day": pa.array([datetime.date(1970, 1, 2), None, None]),
            "price": pa.array([None, 1, 2], pa.int64()).cast(pa.decimal128(21, 2)),
            "raw": pa.array([b"a", None, b"c"], pa.binary()),
            "nothing": pa.nulls(3),
        }
    )
    pq.write_table(table, tmp_path / "reference.parquet")

    columns = load_reference(tmp_path / "reference.parquet")

    assert columns["small"].values.dtype == np.int8
    assert columns["half"].values.dtype == np.float32
    assert columns["half"].valid is not None
    assert columns["half"].valid.tolist() == [True, False, True]
    assert columns["flag"].values.tolist() == [True, False, False]
    assert columns["name"].values.tolist() == ["a", "", "c"]
    assert columns["word"].values.tolist() == ["x", "y", ""]
    assert columns["when"].values.dtype == np.dtype("datetime64[us]")
    assert columns["when"].values[2] == np.datetime64("1970-01-01T00:00:01.500000")
    assert np.isnat(columns["when"].values[1])
    assert columns["day"].values[0] == np.datetime64("1970-01-02")
    assert columns["price"].values.tolist()[1:] == [1.0, 2.0]
    assert columns["raw"].values.tolist() == [b"a", b"", b"c"]
    assert columns["raw"].kind == "bytes"
    assert columns["nothing"].valid is not None
    assert not columns["nothing"].valid.any()


def test_parquet_in_many_row_groups_is_one_table(tmp_path: Path) -> None:
    words = pa.array(["b", "a", "c"] * 20).dictionary_encode()
    pq.write_table(pa.table({"w": words}), tmp_path / "r.pq", row_group_size=7)

    assert load_reference(tmp_path / "r.pq")["w"].values.tolist() == ["b", "a", "c"] * 20


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.csv", None, "none.csv"),
        ("reference.json", b"{}", r"use CSV .* or Parquet"),
        ("reference.parquet", b"no parquet", "cannot be read"),
        ("reference.csv", b"a,b\n1,2\n1\n", "cannot be read"),
        ("reference.csv", b"a,b\n", "no rows"),
        ("reference.csv", b"a,a\n1,2\n", "two columns are named 'a'"),
    ],
)
def test_a_file_that_is_no_reference_says_why(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(DataMismatch, match=told):
        load_reference(path)


def test_a_column_that_cannot_be_watched_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [{"b": 1}]}), tmp_path / "r.parquet")

    with pytest.raises(DataMismatch, match=r"column 'a' has type struct"):
        load_reference(tmp_path / "r.parquet")


def test_lists_of_one_length_in_parquet_are_tensors(tmp_path: Path) -> None:
    flat = pa.array([[1.0, 2.0], None, [3.0, None]], pa.list_(pa.float32()))
    images = pa.array([[[1, 2, 3], [4, 5, 6]]] * 3, pa.list_(pa.list_(pa.int16()), 2))
    shaped = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12).reshape(3, 2, 2))
    pq.write_table(pa.table({"f": flat, "i": images, "s": shaped}), tmp_path / "r.parquet")

    columns = load_reference(tmp_path / "r.parquet")

    assert columns["f"].values.shape == (3, 2)
    assert columns["f"].valid is not None
    assert columns["f"].valid.tolist() == [[True, True], [False, False], [True, False]]
    assert columns["i"].values.shape == (3, 2, 3)
    assert columns["i"].values[2].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert columns["s"].values.tolist() == np.arange(12).reshape(3, 2, 2).tolist()


def test_ragged_lists_in_parquet_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [[1, 2], [3]]}), tmp_path / "r.parquet")

    with pytest.raises(DataMismatch, match=r"'a' has lists of 2 and 1 elements"):
        load_reference(tmp_path / "r.parquet")


def test_arrays_are_columns_of_rows(tmp_path: Path) -> None:
    images, names = np.zeros((3, 4, 4), np.uint8), np.array(["a", "", "ç"])
    np.savez_compressed(tmp_path / "r.npz", picture=images, name=names, score=[0.5, 1, 2])

    columns = load_reference(tmp_path / "r.npz")

    assert columns.names == ("picture", "name", "score")
    assert columns["picture"].values.shape == (3, 4, 4)
    assert columns["picture"].values.dtype == np.uint8
    assert columns["name"].kind == "string"
    assert columns["name"].values.tolist() == ["a", "", "ç"]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"a": np.array([{}, None], object)}, "cannot be read as arrays.*allow_pickle=False"),
        ({"a": np.zeros(3), "b": np.zeros(2)}, "different numbers of rows"),
        ({"a": np.zeros(3, complex)}, "holds complex128"),
        ({"a": np.float64(3)}, "'a' is a scalar"),
        ({"a": np.zeros((0, 4))}, "no rows"),
    ],
)
def test_arrays_that_are_no_rows_are_refused(
    tmp_path: Path, arrays: dict[str, object], told: str
) -> None:
    np.savez(tmp_path / "r.npz", **arrays)  # type: ignore[arg-type]

    with pytest.raises(DataMismatch, match=told):
        load_reference(tmp_path / "r.npz")
