"""Rows as the arrays that alibi-detect takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.features import FeatureSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_detectors.alibi.kinds import Takes
from sidelight_detectors.cells import CategoricalCells, categorical_cells, numbers_of


class Coder(Protocol):
    """One column as float64 of shape ``(n, ...)``; NaN where a value cannot be used."""

    def code(self, column: Column) -> NDArray[np.float64]: ...


@dataclass(frozen=True)
class Numbers:
    """A numeric column."""

    def code(self, column: Column) -> NDArray[np.float64]:
        values, valid = numbers_of(column)
        return values if valid is None else np.where(valid, values, np.nan)


@dataclass(frozen=True, eq=False)
class Codes:
    """A category by its place among the reference's; unknown ones share a code, so do nulls."""

    cells: CategoricalCells

    def code(self, column: Column) -> NDArray[np.float64]:
        return self.cells.index(column).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Bits(Codes):
    """A category of two; anything else cannot be used."""

    def code(self, column: Column) -> NDArray[np.float64]:
        codes = super().code(column)
        return np.where(codes < self.cells.other, codes, np.nan)


@dataclass(frozen=True)
class Tensors:
    """A column of tensors as it is."""

    def code(self, column: Column) -> NDArray[np.float64]:
        if column.values.dtype.kind not in "iufb":
            raise DataMismatch(f"column {column.name!r} holds {column.kind} tensors, not numbers")
        return column.values.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Encoder:
    """Some columns of a model as one array: ``(n, F)``, or ``(n, ...)`` for one of tensors."""

    coders: Mapping[str, Coder]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.coders)

    @property
    def categorical(self) -> tuple[int, ...]:
        """The places of columns that hold codes."""
        coders = enumerate(self.coders.values())
        return tuple(place for place, coder in coders if isinstance(coder, Codes))

    def encode(self, rows: Columns) -> NDArray[np.float64]:
        """Raises `DataMismatch` for a column that is missing or of another kind."""
        parts = [coder.code(rows[name]) for name, coder in self.coders.items()]
        if len(parts) == 1 and parts[0].ndim > 1:
            return parts[0]
        return np.column_stack(parts)


MATRIX = "matrix"


def as_rows(values: NDArray[np.float64]) -> Columns:
    """What `Encoder.encode` gave, as rows that wait for a batch."""
    return Columns((Column(MATRIX, values),))


def matrix_of(rows: Columns) -> NDArray[np.float64]:
    """What `as_rows` holds."""
    return rows[MATRIX].values


def usable(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows hold finite numbers only, shape ``(n,)``."""
    finite = np.isfinite(values).reshape(len(values), -1)
    whole: NDArray[np.bool_] = np.logical_and.reduce(finite, axis=1)
    return whole


def fit_encoder(
    reference: Columns,
    features: Mapping[str, FeatureSettings],
    takes: Takes,
    asked: Sequence[str],
) -> Encoder:
    """Columns `asked` for, else those of `features` that a class of that kind can read.

    Raises `ConfigError` when one of `asked` cannot be read, or there is none.
    """
    if unknown := [name for name in asked if name not in features]:
        raise ConfigError(f"{unknown[0]!r} is no feature; there are {', '.join(features)}")
    coders: dict[str, Coder] = {}
    for name in asked or features:
        coder = _coder(reference[name], features[name], takes)
        if coder is not None:
            coders[name] = coder
        elif asked:
            raise ConfigError(f"{name!r} cannot be read by it: it takes {_WANTED[takes]}")
    if not coders:
        raise ConfigError(f"no feature can be read by it: it takes {_WANTED[takes]}")
    tensors = [name for name, coder in coders.items() if isinstance(coder, Tensors)]
    if len(coders) > 1 and (tensors or takes == "series"):
        raise ConfigError(f"it takes one column, there are {', '.join(coders)}; set 'columns'")
    return Encoder(coders)


_WANTED: Mapping[Takes, str] = {
    "numeric": "numeric features or one of tensors",
    "categorical": "categorical features",
    "binary": "features of two values",
    "any": "any feature",
    "series": "one numeric feature, a time series",
}


def _coder(column: Column, feature: FeatureSettings, takes: Takes) -> Coder | None:
    if column.values.size != len(column):
        return Tensors() if takes in ("numeric", "any") else None
    if takes == "binary":
        cells = categorical_cells(column, feature.categories)
        return Bits(cells) if len(cells.categories) == 2 else None
    if feature.kind == "categorical":
        cells = categorical_cells(column, feature.categories)
        return Codes(cells) if takes in ("categorical", "any") else None
    return None if takes == "categorical" else Numbers()
