"""What the inputs of a model hold: which features, side by side, as which type of number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sidelight.config.predicting import PredictorSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Column, Columns

TYPES = {
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "INT32": np.int32,
    "INT64": np.int64,
}


@dataclass(frozen=True)
class Inputs:
    """How rows of features become the model's inputs.

    Parameters
    ----------
    features:
        The features in the model's order; none passes all columns on as they come.
    groups:
        Inputs of several features each; any other feature is an input of its own. An empty group
        takes all features that no other has.
    numbers:
        The datatype that numbers are sent in; None leaves them as they are.
    """

    features: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: str | None = None

    def of(self, rows: Columns) -> Columns:
        """The inputs, each where its first feature was; `DataMismatch` names what does not fit."""
        ordered = rows.select(self.features) if self.features else rows
        if self.numbers is not None:
            ordered = _replaced(ordered, [self._cast(column) for column in ordered])
        return _replaced(ordered, list(self._grouped(ordered))) if self.groups else ordered

    def _grouped(self, rows: Columns) -> Iterator[Column]:
        named = {one for group in self.groups.values() for one in group}
        rest = tuple(name for name in rows.names if name not in named)
        groups = {name: group or rest for name, group in self.groups.items()}
        owner = {one: name for name, group in groups.items() for one in group}
        first = {group[0]: name for name, group in groups.items() if group}
        for column in rows:
            if column.name in first:
                name = first[column.name]
                yield _side_by_side(name, [rows[one] for one in groups[name]])
            elif column.name not in owner:
                yield column

    def _cast(self, column: Column) -> Column:
        if column.kind != "number" or self.numbers is None:
            return column
        with np.errstate(all="ignore"):
            values = column.values.astype(TYPES[self.numbers])
        if not _is_kept(column, values):
            raise DataMismatch(
                f"feature {column.name!r} has values that {self.numbers} does not hold; send them"
                " as they are (predictor.numbers) or correct them"
            )
        return Column(column.name, values, column.valid, column.parameters)


def inputs_of(name: str, settings: PredictorSettings, features: Iterable[str]) -> Inputs:
    """The inputs of the model of that name; `ConfigError` names a group's feature that is none."""
    known = tuple(features)
    key = f"models.{name}.predictor.inputs"
    for group, members in settings.inputs.items():
        for one in members:
            if known and one not in known:
                raise ConfigError(f"{key}.{group}: no feature {one!r}; there are {known[:20]}")
    return Inputs(known, settings.inputs, settings.numbers)


def _replaced(rows: Columns, columns: Sequence[Column]) -> Columns:
    return Columns(tuple(columns), rows.parameters)


def _is_kept(column: Column, cast: NDArray[np.generic]) -> bool:
    """Fractions may be rounded, whole numbers may not, and nothing may become infinite."""
    values, there = column.values, True if column.valid is None else column.valid
    if values.dtype.kind == "f" and cast.dtype.kind == "f":
        return bool((np.isfinite(cast) | ~np.isfinite(values) | ~np.asarray(there)).all())
    return bool(((cast.astype(values.dtype) == values) | ~np.asarray(there)).all())


def _side_by_side(name: str, columns: Sequence[Column]) -> Column:
    for column in columns:
        if column.is_tensor or column.kind == "time":
            raise DataMismatch(
                f"feature {column.name!r} (a tensor or a time) cannot share the input {name!r}"
            )
    numeric = [column.kind in ("number", "boolean") for column in columns]
    if any(numeric) != all(numeric):
        told = ", ".join(f"{one.name!r}: {one.kind}" for one in columns[:8])
        raise DataMismatch(f"input {name!r} holds one kind of value, got {told}")
    values = np.stack([column.values for column in columns], axis=1)
    if all(column.valid is None for column in columns):
        return Column(name, values)
    masks = [np.ones(len(one), bool) if one.valid is None else one.valid for one in columns]
    return Column(name, values, np.stack(masks, axis=1))
