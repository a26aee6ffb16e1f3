from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from sidelight.errors import ArtifactError
from sidelight.tables import column_names, read_table


def test_a_csv_keeps_numbers_text_and_nulls_apart(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('age,sex,rate,member\n39,f,0.5,true\n,"",NA,false\n50,NA,1.5,\n')
    people = read_table(path)
    assert people.names == ("age", "sex", "rate", "member")
    assert people["age"].values.tolist() == [39, 0, 50]
    assert people["age"].valid is not None
    assert people["age"].valid.tolist() == [True, False, True]
    assert people["sex"].values.tolist() == ["f", "", ""]
    assert people["sex"].valid is not None
    assert people["sex"].valid.tolist() == [True, True, False]
    assert np.isnan(people["rate"].values[1])
    assert people["member"].kind == "boolean"


def test_a_parquet_keeps_dictionaries_nulls_and_nan_apart(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    table = pa.table(
        {
            "sex": pa.array(["f", None, "m"]).dictionary_encode(),
            "age": pa.array([1, 2, None], pa.int8()),
            "x": pa.array([float("nan"), None, 1.0]),
            "raw": pa.array([b"a", None, b"c"]),
            "nothing": pa.nulls(3),
        }
    )
    pyarrow.parquet.write_table(table, path)
    people = read_table(path)
    assert people["sex"].values.tolist() == ["f", "", "m"]
    assert people["age"].values.dtype == np.int8
    x = people["x"]
    assert x.valid is not None
    assert x.valid.tolist() == [True, False, True]
    assert np.isnan(x.values[:2]).all()
    assert people["raw"].kind == "bytes"
    assert people["nothing"].valid is not None
    assert not people["nothing"].valid.any()


def test_times_are_utc_microseconds(tmp_path: Path) -> None:
    path = tmp_path / "times.parquet"
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    table = pa.table({"at": pa.array([at, None]), "day": pa.array([date(2026, 1, 2), None])})
    pyarrow.parquet.write_table(table, path)
    times = read_table(path)
    assert times["at"].values.dtype == np.dtype("datetime64[us]")
    assert times["at"].values[0] == np.datetime64("2026-01-02T03:04:05", "us")
    assert np.isnat(times["day"].values[1])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.csv", None, "cannot be read"),
        ("rows.json", "{}", "use CSV .* or Parquet"),
        ("twice.csv", "a,a\n1,2\n", "two columns are named 'a'"),
        ("broken.parquet", "not parquet", "cannot be read"),
        ("ragged.csv", "a,b\n1,2\n3\n", "cannot be read"),
    ],
)
def test_what_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(ArtifactError, match=words):
        read_table(path)


def test_a_ragged_column_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "nested.parquet"
    pyarrow.parquet.write_table(pa.table({"tags": [[1], [2, 3]]}), path)
    with pytest.raises(ArtifactError, match="'tags' has lists of 1 and 2 elements"):
        read_table(path)


@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz", "r.parquet"])
def test_column_names_are_those_of_the_table(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".parquet"):
        pyarrow.parquet.write_table(pa.table({"age": [1], "sex": ["f"]}), path)
    else:
        text = b"age,sex\n1,f\n"
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    assert column_names(path) == list(read_table(path).names) == ["age", "sex"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("r.tsv", b"a\tb\n", "not a table by its name; use CSV"),
        ("r.csv", b"", "cannot be read as a table: Empty CSV file"),
        ("r.csv", b"\xff\xfea\n1\n", "cannot be read as a table: .*utf-8"),
        ("r.csv", b"a,a\n1,2\n", "two columns are named 'a'"),
        ("r.parquet", b"a,b\n1,2\n", "cannot be read as a table"),
    ],
)
def test_what_is_no_table_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (column_names, read_table):
        with pytest.raises(ArtifactError, match=words) as refused:
            read(path)
        assert str(refused.value).startswith(f"{path}: ")
