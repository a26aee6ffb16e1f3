"""Reference rows from a CSV or Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns

FORMS = "CSV (.csv, .csv.gz) or Parquet (.parquet, .pq)"


def load_reference(path: Path) -> Columns:
    """Every column of the file; an empty CSV field and a Parquet null are nulls.

    Dictionary-encoded columns become their values, times become UTC microseconds, decimals float64.

    Raises
    ------
    DataMismatch
        The file is missing, is neither CSV nor Parquet, is damaged, has no rows, or has a column
        of a type that cannot be watched (named).
    """
    table = _read(Path(path))
    if not table.num_rows:
        raise DataMismatch(f"{path}: it holds no rows")
    names = table.column_names
    return Columns(tuple(_column(name, table.column(i), path) for i, name in enumerate(names)))


def _read(path: Path) -> pa.Table:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    try:
        if suffixes[-1:] in ([".parquet"], [".pq"]):
            return pyarrow.parquet.read_table(path)
        if ".csv" in suffixes[-2:]:
            return pyarrow.csv.read_csv(path)
    except (pa.ArrowException, OSError) as exc:
        raise DataMismatch(f"{path}: cannot be read: {exc}") from exc
    raise DataMismatch(f"{path}: not a reference file by its name; use {FORMS}")


def _column(name: str, chunks: pa.ChunkedArray, path: Path) -> Column:
    array = chunks.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    valid = None if not array.null_count else np.asarray(pc.is_valid(array))
    values = _values(array)
    if values is None:
        raise DataMismatch(
            f"{path}: column {name!r} has type {array.type}; numbers, booleans, strings, "
            "dictionaries and times can be read"
        )
    return Column(name, values, valid)


def _values(array: pa.Array) -> NDArray[Any] | None:
    """The array with neutral values in place of nulls, None when its type cannot be read."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _values(array.dictionary_decode())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return np.asarray(pc.fill_null(array, pa.scalar(False).cast(kind)))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        wide = array.cast(pa.float64()) if pa.types.is_decimal(kind) else array
        return np.asarray(wide.fill_null(np.nan))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return np.asarray(array.cast(pa.timestamp("us"), safe=False))
    empty = _empty_text(kind)
    if empty is not None:
        return np.array([empty if text is None else text for text in array.to_pylist()], object)
    if pa.types.is_null(kind):
        return np.full(len(array), np.nan)
    return None


def _empty_text(kind: pa.DataType) -> str | bytes | None:
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return ""
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
        return b""
    return None
