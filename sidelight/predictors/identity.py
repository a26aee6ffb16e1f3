"""Which rows are the same, and which tables can be joined without changing a bit of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns

Key = bytes
"""Equal for equal rows of the same pattern, different for all others."""

DIGEST_BYTES = 16
LONGEST = 2048
"""Bytes of a row up to which it is its own key; hashing short rows costs more than it saves."""


def pattern(rows: Columns) -> Hashable:
    """What two tables must share to be sent as one: all that a server is told beside the values."""
    told = {key: value for key, value in rows.parameters.items() if key != "id"}
    return (repr(told), *(_pattern(column) for column in rows))


def row_keys(rows: Columns) -> list[Key]:
    """A key a row; bitwise, so that 0.0 and -0.0 differ, and a null and the value beside it."""
    head = np.frombuffer(_digest(repr(pattern(rows)).encode()), np.uint8)
    cells = [np.broadcast_to(head, (len(rows), len(head)))]
    for column in rows:
        cells.append(_cells(column.values))
        if column.valid is not None:
            cells.append(_cells(column.valid))
    packed = np.ascontiguousarray(np.concatenate(cells, axis=1))
    if packed.shape[1] > LONGEST:
        return [_digest(row.data) for row in packed]
    keys: list[Key] = packed.view(f"V{packed.shape[1]}").ravel().tolist()
    return keys


def first_places(keys: Sequence[Key]) -> list[int]:
    """Where each different key stands first."""
    backwards = range(len(keys) - 1, -1, -1)
    return sorted(dict(zip(reversed(keys), backwards, strict=True)).values())


def _pattern(column: Column) -> Hashable:
    values = column.values
    nulls = column.valid is not None
    told = repr(dict(column.parameters))
    return (column.name, values.dtype.str, column.kind, values.shape[1:], nulls, told)


def _cells(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """The values of each row as bytes (n, w)."""
    if values.dtype.kind == "O":
        flat = values.ravel().tolist()
        digests = {one: _digest(_encoded(one)) for one in set(flat)}
        joined = b"".join([digests[one] for one in flat])
        return np.frombuffer(joined, np.uint8).reshape(len(values), -1 if len(values) else 0)
    table = np.ascontiguousarray(values).reshape(len(values), -1 if values.size else 0)
    return table.view(np.uint8)


def _encoded(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else repr(value)).encode("utf-8", "surrogatepass")


def _digest(content: bytes | memoryview) -> Key:
    return blake2b(content, digest_size=DIGEST_BYTES).digest()
