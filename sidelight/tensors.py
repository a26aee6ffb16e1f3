"""Named numpy columns: the one form in which rows travel inside Sidelight.

Every wire form (V1 JSON, V2 JSON, later binary tensors and gRPC) and every file (CSV, Parquet) is
decoded into `Columns` and encoded from it. A column is one named thing about each row: a number,
a string, or a tensor (an image, an embedding).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch

Kind = Literal["number", "boolean", "string", "bytes", "time"]
"""What the elements of a column are. Numbers keep their own numpy dtype."""


@dataclass(frozen=True, eq=False)
class Column:
    """One named column of `n` rows.

    Parameters
    ----------
    name:
        Unique within its `Columns`.
    values:
        Shape ``(n, ...)``. dtype by kind: number = any int, uint or float; boolean = bool;
        string and bytes = object holding ``str`` / ``bytes``; time = ``datetime64[us]`` in UTC.
        Where `valid` is False the value is a neutral one (NaN, 0, False, "", b"", NaT).
    valid:
        Boolean array of the same shape, False where the sender sent an explicit null;
        None when there is none. A NaN sent as a number is not a null.
    """

    name: str
    values: NDArray[Any]
    valid: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim < 1:
            raise DataMismatch(f"column {self.name!r} is a scalar; a column has one value a row")
        if self.valid is not None and self.valid.shape != self.values.shape:
            raise DataMismatch(
                f"column {self.name!r}: valid has shape {self.valid.shape}, values {self.values.shape}"
            )

    def __len__(self) -> int:
        return len(self.values)

    @property
    def kind(self) -> Kind:
        code = self.values.dtype.kind
        if code in "iuf":
            return "number"
        if code == "b":
            return "boolean"
        if code == "M":
            return "time"
        return "bytes" if _holds_bytes(self.values) else "string"

    @property
    def is_tensor(self) -> bool:
        """True when each row holds more than one element."""
        return self.values.ndim > 1

    def take(self, rows: Any) -> Column:
        """The given rows (a slice, an index array or a boolean mask)."""
        valid = None if self.valid is None else self.valid[rows]
        return Column(self.name, self.values[rows], valid)

    def renamed(self, name: str) -> Column:
        return Column(name, self.values, self.valid)


def _holds_bytes(values: NDArray[Any]) -> bool:
    return values.size > 0 and isinstance(values.reshape(-1)[0], bytes)


@dataclass(frozen=True, eq=False)
class Columns:
    """Rows as named columns of one length, in the order the sender gave them.

    `parameters` keeps what the protocol said about the whole request or response
    (V2 `parameters`, `id`), for the way back.
    """

    columns: tuple[Column, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataMismatch(f"two columns are named {twice!r}; names must be unique")
        lengths = {len(column) for column in self.columns}
        if len(lengths) > 1:
            told = ", ".join(f"{column.name!r}: {len(column)}" for column in self.columns[:8])
            raise DataMismatch(f"columns have different numbers of rows ({told})")

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise DataMismatch(f"no column {name!r}; there are {list(self.names)[:20]}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def take(self, rows: Any) -> Columns:
        return Columns(tuple(column.take(rows) for column in self.columns), self.parameters)

    def select(self, names: Sequence[str]) -> Columns:
        """The named columns in that order; `DataMismatch` names the first that is missing.

        A sender may name its columns, or send one matrix whose width is the number of names:
        ``(n, len(names))``, or one unnamed column a position (``"0"``, ``"1"``, ...). Then the names
        are given by position.
        """
        if all(name in self for name in names):
            return Columns(tuple(self[name] for name in names), self.parameters)
        if len(self.columns) == 1 and _is_matrix(self.columns[0], len(names)):
            return Columns(tuple(_split(self.columns[0], names)), self.parameters)
        if self.names == tuple(str(index) for index in range(len(names))):
            pairs = zip(self.columns, names, strict=True)
            return Columns(tuple(column.renamed(name) for column, name in pairs), self.parameters)
        missing = next(name for name in names if name not in self)
        raise DataMismatch(
            f"expected columns {list(names)[:20]}, {missing!r} is missing; got {list(self.names)[:20]}"
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Columns]) -> Columns:
        """The rows of all parts, which must have the same names, one after the other."""
        first = parts[0]
        joined = [_joined([part[name] for part in parts]) for name in first.names]
        return cls(tuple(joined), first.parameters)

    @classmethod
    def of(cls, **arrays: Any) -> Columns:
        """Columns from keyword arguments: ``Columns.of(age=[39, 50], sex=["f", "m"])``."""
        return cls(tuple(column_of(name, values) for name, values in arrays.items()))


def column_of(name: str, values: Any) -> Column:
    """A column from any sequence: str and bytes become object arrays, None becomes a null."""
    array = np.asarray(values)
    if array.dtype.kind == "U":
        array = array.astype(object)
    if array.dtype.kind != "O":
        return Column(name, array)
    valid = np.not_equal(array, None)
    if valid.all():
        return Column(name, array)
    present = array[valid]
    if present.size and not isinstance(present[0], str | bytes):
        filled = np.where(valid, array, np.nan).astype(np.float64)
        return Column(name, filled, valid)
    empty: str | bytes = b"" if present.size and isinstance(present[0], bytes) else ""
    return Column(name, np.where(valid, array, empty), valid)


def _is_matrix(column: Column, width: int) -> bool:
    return column.values.ndim == 2 and column.values.shape[1] == width


def _split(column: Column, names: Sequence[str]) -> Iterator[Column]:
    for position, name in enumerate(names):
        valid = None if column.valid is None else column.valid[:, position]
        yield Column(name, column.values[:, position], valid)


def _joined(columns: Sequence[Column]) -> Column:
    values = np.concatenate([column.values for column in columns])
    if all(column.valid is None for column in columns):
        return Column(columns[0].name, values)
    masks = [
        np.ones(column.values.shape, bool) if column.valid is None else column.valid
        for column in columns
    ]
    return Column(columns[0].name, values, np.concatenate(masks))
