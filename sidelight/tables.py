"""Rows from a file (CSV, Parquet or arrays) as named columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from sidelight.arrays import SUFFIX, array_names, read_arrays
from sidelight.errors import ArtifactError
from sidelight.tensors import Column, Columns

CSV = (".csv", ".csv.gz")
PARQUET = (".parquet", ".pq")
CSV_NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")
"""Unquoted CSV fields that mean null; in quotes they are text."""


def read_table(path: Path) -> Columns:
    """All rows of a ``.csv``, ``.csv.gz``, ``.parquet``, ``.pq`` or ``.npz`` file.

    Dictionary columns become plain ones, nulls become `Column.valid`, and a NaN stored as a number
    in Parquet stays a number. Times are in UTC, microseconds. Raises `ArtifactError` for a file
    that is not there, not readable, of another kind, or with a nested column that is not of lists
    of one length.
    """
    if _is_arrays(path):
        return read_arrays(path)
    with _refused(path):
        table = _table(path)
        names = _unique(path, table.column_names)
    return Columns(tuple(_column(path, name, table.column(name)) for name in names))


def column_names(path: Path) -> list[str]:
    """The names of the columns, from the file's beginning or its schema only.

    Raises `ArtifactError` as `read_table` does, as far as that little shows it.
    """
    if _is_arrays(path):
        return array_names(path)
    with _refused(path):
        return _unique(path, _schema(path).names)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    # A CSV whose first line is not UTF-8 is no Arrow error.
    except (OSError, UnicodeDecodeError, pa.ArrowException) as exc:
        raise ArtifactError(f"{path}: cannot be read as a table: {exc}") from exc


def _table(path: Path) -> Any:
    if _is_csv(path):
        options = pyarrow.csv.ConvertOptions(
            null_values=list(CSV_NULLS), strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        return pyarrow.csv.read_csv(path, convert_options=options)
    return pyarrow.parquet.read_table(path)


def _schema(path: Path) -> Any:
    if not _is_csv(path):
        return pyarrow.parquet.read_schema(path)
    with pyarrow.csv.open_csv(path) as batches:
        return batches.schema


def _is_arrays(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX


def _is_csv(path: Path) -> bool:
    """Whether the table is CSV, not Parquet; `ArtifactError` for a name that is neither's."""
    name = path.name.lower()
    if name.endswith((*CSV, *PARQUET)):
        return name.endswith(CSV)
    raise ArtifactError(
        f"{path}: not a table by its name; use CSV {CSV} or Parquet {PARQUET}, or arrays {SUFFIX}"
    )


def _unique(path: Path, names: list[str]) -> list[str]:
    if len(set(names)) == len(names):
        return names
    twice = next(name for name in names if names.count(name) > 1)
    raise ArtifactError(f"{path}: two columns are named {twice!r}; names must be unique")


def _column(path: Path, name: str, chunks: Any) -> Column:
    if isinstance(chunks.type, pa.FixedShapeTensorType):
        return _tensor(path, name, chunks.combine_chunks().storage, tuple(chunks.type.shape))
    if _is_list(chunks.type):
        return _tensor(path, name, chunks.combine_chunks(), ())
    kind = chunks.type.value_type if pa.types.is_dictionary(chunks.type) else chunks.type
    target, neutral = _meaning(path, name, kind)
    array = chunks.cast(target, safe=False).combine_chunks()
    valid = np.asarray(array.is_valid()) if array.null_count else None
    filled = array if neutral is None else array.fill_null(neutral)
    return Column(name, filled.to_numpy(zero_copy_only=False), valid)


def _is_list(kind: Any) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _tensor(path: Path, name: str, array: Any, shape: tuple[int, ...]) -> Column:
    """Lists of one length each, nested or not, as a tensor a row; `shape` when it is known."""
    there, elements = np.asarray(array.is_valid()), array.drop_null()
    rows, lengths = len(elements), list[int]()
    while _is_list(elements.type):
        sizes = pa.compute.list_value_length(elements).unique().to_pylist()
        if len(sizes) > 1:
            raise ArtifactError(
                f"{path}: column {name!r} has lists of {sizes[0]} and {sizes[1]} elements; "
                "tensors have one shape"
            )
        lengths += sizes or [0]
        elements = elements.flatten()
    flat = _column(path, name, pa.chunked_array([elements]))
    values = flat.values.reshape(rows, *(shape or lengths))
    valid = np.ones(values.shape, bool) if flat.valid is None else flat.valid.reshape(values.shape)
    if there.all():
        return Column(name, values, None if flat.valid is None else valid)
    every = np.zeros((len(there), *values.shape[1:]), values.dtype)
    known = np.zeros(every.shape, bool)
    every[there], known[there] = values, valid
    return Column(name, every, known)


def _meaning(path: Path, name: str, kind: Any) -> tuple[Any, Any]:
    """The arrow type to read it as, and what stands where a null was (None: arrow's own, NaT)."""
    types = pa.types
    if types.is_boolean(kind):
        return pa.bool_(), False
    if types.is_integer(kind):
        return kind, 0
    if types.is_floating(kind):
        return kind, float("nan")
    if types.is_decimal(kind) or types.is_null(kind):
        return pa.float64(), float("nan")
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return pa.large_string(), ""
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
        return pa.large_binary(), b""
    if types.is_timestamp(kind) or types.is_date(kind):
        return pa.timestamp("us"), None
    raise ArtifactError(
        f"{path}: column {name!r} has type {kind}; read are numbers, booleans, text, bytes, times, "
        "and lists of one length"
    )
