"""Rows as the bytes of one file: JSON, CSV or Parquet."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import orjson

Format = Literal["json", "csv", "parquet"]
Fields = Mapping[str, Any]


def to_bytes(rows: Sequence[Fields], format_: Format) -> bytes:
    """The file of at least one row, all with the same fields (in JSON some may lack)."""
    return _WRITERS[format_](rows)


def _json(rows: Sequence[Fields]) -> bytes:
    """As KServe has it, one row is an object and several are an array."""
    return orjson.dumps(rows[0] if len(rows) == 1 else rows, default=_base64)


def _csv(rows: Sequence[Fields]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode()


def _parquet(rows: Sequence[Fields]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [pa.field(name, _arrow(value), nullable=False) for name, value in rows[0].items()]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows), pa.schema(fields)), sink)
    return bytes(sink.getvalue())


_WRITERS: Mapping[Format, Callable[[Sequence[Fields]], bytes]] = {
    "json": _json,
    "csv": _csv,
    "parquet": _parquet,
}


def _base64(value: Any) -> str:
    return base64.b64encode(value).decode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return _base64(value) if isinstance(value, bytes) else value


def _arrow(value: Any) -> Any:
    import pyarrow as pa

    kinds = {str: pa.string(), bytes: pa.binary(), bool: pa.bool_(), int: pa.int64()}
    return kinds[type(value)]
