"""How large rows are in memory."""

from __future__ import annotations

from sidelight.tensors import Column, Columns

MESSAGE_BYTES = 4_000_000
"""A question that is no larger than this is taken by gRPC servers that are not told otherwise: they
refuse messages above 4 MiB."""
OBJECT_BYTES = 60
"""Of a text beside its characters, in CPython."""


def bytes_of(rows: Columns) -> int:
    return sum(_bytes_of(column) for column in rows)


def _bytes_of(column: Column) -> int:
    size = column.values.nbytes + (0 if column.valid is None else column.valid.nbytes)
    if column.values.dtype.kind != "O":
        return size
    return size + sum(OBJECT_BYTES + len(one) for one in column.values.flat)
