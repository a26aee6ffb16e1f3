"""Named numpy columns: the one form in which rows travel inside Sidelight.

Every wire form (V1 JSON, V2 JSON, later binary tensors and gRPC) and every file (CSV, Parquet) is
decoded into `Columns` and encoded from it. A column is one named thing about each row: a number,
a string, or a tensor (an image, an embedding).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
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
    parameters:
        What the protocol said about this column alone (V2 tensor `parameters`), for the way back.
    """

    name: str
    values: NDArray[Any]
    valid: NDArray[np.bool_] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.values.ndim < 1:
            raise DataMismatch(f"column {self.name!r} is a scalar; a column has one value a row")
        if self.valid is not None and self.valid.shape != self.values.shape:
            raise DataMismatch(
                f"column {self.name!r}: valid has shape {self.valid.shape}, "
                f"values have {self.values.shape}"
            )

    def __len__(self) -> int:
        return len(self.values)

    @property
    def kind(self) -> Kind:
        """By dtype; an object column is bytes when its first element is, else string."""
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
        return Column(self.name, self.values[rows], valid, self.parameters)

    def renamed(self, name: str) -> Column:
        """The same values under another name."""
        return replace(self, name=name)

    def known(self) -> NDArray[np.bool_]:
        """Of the shape of the values, False for nulls, NaN and NaT."""
        known = np.asarray(self.values == self.values, bool)
        return known if self.valid is None else known & self.valid


def _holds_bytes(values: NDArray[Any]) -> bool:
    return values.size > 0 and isinstance(values.flat[0], bytes)


@dataclass(frozen=True, eq=False)
class Columns:
    """Rows as named columns of one length, in the order the sender gave them.

    `parameters` keeps what the protocol said about the whole request or response, for the way
    back: V2's `id`, `parameters`, `outputs`, `model_name` and `model_version` under these keys.
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
        """The given rows (a slice, an index array or a boolean mask) of every column."""
        return Columns(tuple(column.take(rows) for column in self.columns), self.parameters)

    def select(self, names: Sequence[str]) -> Columns:
        """The named columns in that order; `DataMismatch` names the first that is missing.

        A sender may name its columns, or send one matrix whose width is the number of names:
        ``(n, len(names))`` (``(n,)`` for one name), or one unnamed column a position (``"0"``,
        ``"1"``, ...). Then the names are given by position. ``"probability[1]"`` is the second
        number of each row of the column ``"probability"``, and keeps that name.
        """
        here = {column.name: column for column in self.columns}
        if all(name in here for name in names):
            return Columns(tuple(here[name] for name in names), self.parameters)
        if all(name in here or split_index(name)[0] in here for name in names):
            return Columns(tuple(_part(here, name) for name in names), self.parameters)
        if len(self.columns) == 1 and _width(self.columns[0]) == len(names):
            return Columns(tuple(_split(self.columns[0], names)), self.parameters)
        if self.names == tuple(str(index) for index in range(len(names))):
            pairs = zip(self.columns, names, strict=True)
            return Columns(tuple(column.renamed(name) for column, name in pairs), self.parameters)
        raise _not_there(self, names)

    @classmethod
    def concatenate(cls, parts: Sequence[Columns]) -> Columns:
        """The rows of all parts, one after the other, with the `parameters` of the first.

        Parts without rows say nothing about their columns and are left out. The others must have
        the same names, and each column one kind and one shape a row; a column of nulls only takes
        the kind of its neighbours. Raises `DataMismatch` naming the column that does not fit.
        """
        if not parts:
            return cls(())
        filled = [part for part in parts if len(part)] or parts[:1]
        first = filled[0]
        for part in filled[1:]:
            _same_names(first, part)
        joined = tuple(_joined([part[name] for part in filled]) for name in first.names)
        return cls(joined, parts[0].parameters)

    @classmethod
    def of(cls, **arrays: Any) -> Columns:
        """Columns from keyword arguments: ``Columns.of(age=[39, 50], sex=["f", "m"])``."""
        return cls(tuple(column_of(name, values) for name, values in arrays.items()))


_INDEXED = re.compile(r"(?P<name>.+)\[(?P<index>[0-9]{1,9})\]")


def split_index(name: str) -> tuple[str, int | None]:
    """A name and the index written behind it: ``"probability[1]"`` is ``("probability", 1)``."""
    indexed = _INDEXED.fullmatch(name)
    return (indexed["name"], int(indexed["index"])) if indexed else (name, None)


def split_label(name: str) -> tuple[str, str | None]:
    """A name and the label written behind it: ``"class=yes"`` is ``("class", "yes")``."""
    whole, equals, label = name.partition("=")
    return (whole, label) if whole and equals else (name, None)


def _part(here: Mapping[str, Column], name: str) -> Column:
    if name in here:
        return here[name]
    whole, index = split_index(name)
    column = here[whole]
    if column.values.ndim != 2 or index is None or index >= column.values.shape[1]:
        raise DataMismatch(
            f"column {whole!r} has shape {column.values.shape}, which has no {name!r}"
        )
    valid = None if column.valid is None else column.valid[:, index]
    return Column(name, column.values[:, index], valid, column.parameters)


def _not_there(columns: Columns, names: Sequence[str]) -> DataMismatch:
    expected = f"expected {len(names)} columns {list(names)[:20]}"
    lone = columns.columns[0] if len(columns.columns) == 1 else None
    if lone is not None and lone.is_tensor and lone.name not in names:
        return DataMismatch(f"{expected}, got {lone.name!r} of shape {lone.values.shape}")
    missing = [repr(name) for name in names if split_index(name)[0] not in columns][:20]
    verb = "is" if len(missing) == 1 else "are"
    got = list(columns.names)[:20]
    return DataMismatch(f"{expected}, {', '.join(missing)} {verb} missing; got {got}")


def column_of(name: str, values: Any) -> Column:
    """A column from any sequence of one kind of thing.

    Text and bytes become object arrays, dates and times ``datetime64[us]`` in UTC, None a null (in
    text a NaN too, as data frames write it). `DataMismatch` for mixed kinds and ragged rows.
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind in "US":
            # Straight from the sequence: numpy has already turned the 1 of ["a", 1] into text.
            array = np.array(values, dtype=object)
    except ValueError as exc:
        raise DataMismatch(f"column {name!r}: rows have different shapes ({exc})") from exc
    if array.dtype.kind == "M":
        array = array.astype("datetime64[us]")
    if array.dtype.kind != "O" or not array.size:
        return Column(name, array)
    return _from_objects(name, array)


_Form = tuple[tuple[type, ...], Any, Any]
_FORMS: tuple[_Form, ...] = (
    ((str,), object, ""),
    ((bytes,), object, b""),
    ((bool, np.bool_), np.bool_, False),
    ((int, np.integer), np.int64, 0),
    ((int, float, np.number), np.float64, np.nan),
    ((date,), "datetime64[us]", None),
)
"""The Python types that make a column, its dtype, and what stands where a null was."""


def _from_objects(name: str, array: NDArray[Any]) -> Column:
    cells = array.ravel().tolist()
    gaps = (type(None), float) if any(isinstance(cell, str) for cell in cells) else (type(None),)
    valid = [not (isinstance(cell, gaps) and (cell is None or cell != cell)) for cell in cells]
    types = {type(cell) for cell, there in zip(cells, valid, strict=True) if there}
    _, dtype, neutral = _form(name, types or {float})
    filled = [_naive(cell) if there else neutral for cell, there in zip(cells, valid, strict=True)]
    try:
        values = np.array(filled, dtype=dtype).reshape(array.shape)
    except OverflowError as exc:
        raise DataMismatch(f"column {name!r}: an integer beyond 64 bits; send a float") from exc
    return Column(name, values, None if all(valid) else np.array(valid).reshape(array.shape))


def _form(name: str, types: set[type]) -> _Form:
    lone = len(types) == 1 or bool not in types
    for form in _FORMS:
        if lone and all(issubclass(kind, form[0]) for kind in types):
            return form
    told = ", ".join(sorted(kind.__name__ for kind in types))
    raise DataMismatch(f"column {name!r} holds {told}; give one kind of value a column")


def _naive(cell: Any) -> Any:
    aware = isinstance(cell, datetime) and cell.tzinfo is not None
    return cell.astimezone(UTC).replace(tzinfo=None) if aware else cell


def _width(column: Column) -> int:
    """Elements a row when rows are scalars or vectors, else -1."""
    shape = column.values.shape[1:]
    return 1 if not shape else shape[0] if len(shape) == 1 else -1


def _split(column: Column, names: Sequence[str]) -> Iterator[Column]:
    values = column.values.reshape(len(column), len(names))
    valid = None if column.valid is None else column.valid.reshape(values.shape)
    for position, name in enumerate(names):
        yield Column(name, values[:, position], None if valid is None else valid[:, position])


def _same_names(first: Columns, other: Columns) -> None:
    odd = set(first.names) ^ set(other.names)
    if odd:
        raise DataMismatch(
            f"column {min(odd)!r} is not in all parts; first {list(first.names)[:20]}, "
            f"then {list(other.names)[:20]}"
        )


def _joined(columns: Sequence[Column]) -> Column:
    known = [column for column in columns if _has_value(column)]
    pattern = (known or columns)[0]
    for column in known:
        _fits(pattern, column)
    parts = [column if _has_value(column) else _nulls(pattern, len(column)) for column in columns]
    values = np.concatenate([part.values for part in parts])
    if all(part.valid is None for part in parts):
        return replace(pattern, values=values)
    masks = [
        np.ones(part.values.shape, bool) if part.valid is None else part.valid for part in parts
    ]
    return replace(pattern, values=values, valid=np.concatenate(masks))


def _has_value(column: Column) -> bool:
    return column.valid is None or bool(column.valid.any())


def _fits(pattern: Column, column: Column) -> None:
    ours, theirs = pattern.values.shape[1:], column.values.shape[1:]
    if pattern.kind != column.kind or ours != theirs:
        raise DataMismatch(
            f"column {pattern.name!r} is {pattern.kind} of shape {ours} a row in one part, "
            f"{column.kind} of shape {theirs} in another; they cannot be joined"
        )


def _nulls(pattern: Column, rows: int) -> Column:
    """That many rows of nulls, of the pattern's dtype and shape."""
    neutral: Any = {"f": np.nan, "M": np.datetime64("NaT"), "O": ""}.get(
        pattern.values.dtype.kind, 0
    )
    if pattern.kind == "bytes":
        neutral = b""
    values = np.full((rows, *pattern.values.shape[1:]), neutral, dtype=pattern.values.dtype)
    return replace(pattern, values=values, valid=np.zeros(values.shape, bool))
