"""Rows that take some features from the explained row and the others from a background row.

No value is ever converted: a blended row is built by index from the values that are there, so
integers stay integers, categories stay text, and nulls stay null.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_explainers.games.game import Masks

Codes = NDArray[np.int32]

NEUTRAL = {"number": 0, "boolean": False, "string": "", "bytes": b""}


@dataclass(frozen=True, eq=False)
class Blend:
    """The explained row and its background as one table, and what in it is the same.

    `palette` holds the background rows and, last, the explained row. `codes` (m + 1, n) numbers
    the distinct values of each feature. `players` are the features in which the explained row
    differs from at least one background row; the others cannot contribute.
    """

    palette: Columns
    codes: Codes
    players: NDArray[np.intp]

    @property
    def size(self) -> int:
        """Background rows."""
        return len(self.palette) - 1

    def sources(self, masks: Masks, background: NDArray[np.intp]) -> Codes:
        """For each feature of each blended row (r, n) the palette row that it comes from.

        Parameters
        ----------
        masks:
            (r, n_players), True where the feature comes from the explained row.
        background:
            (r,) the background row that gives the others.
        """
        sources = np.repeat(background.astype(np.int32)[:, None], self.codes.shape[1], axis=1)
        sources[:, self.players] = np.where(masks, self.size, sources[:, self.players])
        return sources

    def rows(self, sources: Codes) -> Columns:
        """Rows (r, n) given, for each feature, by the palette row it comes from."""
        columns = enumerate(self.palette)
        return Columns(tuple(column.take(sources[:, at]) for at, column in columns))


def blend(row: Columns, background: Columns) -> Blend:
    """Join one row with the background; `DataMismatch` where their types do not go together."""
    palette = Columns(tuple(_appended(background[name], row[name]) for name in background.names))
    codes = np.stack([_codes(column) for column in palette], axis=1)
    differs = (codes[:-1] != codes[-1]).any(axis=0)
    return Blend(palette, codes, np.flatnonzero(differs))


def _appended(known: Column, one: Column) -> Column:
    if one.is_tensor:
        raise DataMismatch(
            f"feature {one.name!r} has shape {one.values.shape[1:]} in each row; send one value"
        )
    absent = one.valid is not None and not one.valid[0]
    value = _neutral(known) if absent else _like(known, one)
    values = np.concatenate([known.values, value])
    if known.valid is None and not absent:
        return Column(known.name, values)
    valid = np.ones(len(known), bool) if known.valid is None else known.valid
    return Column(known.name, values, np.append(valid, not absent))


def _neutral(known: Column) -> NDArray[np.generic]:
    if known.kind == "time":
        return np.array(["NaT"], known.values.dtype)
    if known.values.dtype.kind == "f":
        return np.array([np.nan], known.values.dtype)
    return np.array([NEUTRAL[known.kind]], known.values.dtype)


def _like(known: Column, one: Column) -> NDArray[np.generic]:
    """The value in the reference's own type where that loses nothing."""
    numeric = ("number", "boolean")
    if known.kind != one.kind and not (known.kind in numeric and one.kind in numeric):
        raise DataMismatch(
            f"feature {one.name!r}: expected a {known.kind} as in the reference,"
            f" got the {one.kind} {repr(one.values.tolist()[0])[:60]}"
        )
    with np.errstate(all="ignore"):
        cast = one.values.astype(known.values.dtype)
    same = cast == one.values if known.kind == one.kind else np.array([False])
    return cast if same.all() or _are_nan(one.values, cast) else one.values


def _are_nan(*values: NDArray[np.generic]) -> bool:
    return all(one.dtype.kind == "f" and bool(np.isnan(one).all()) for one in values)


def _codes(column: Column) -> Codes:
    values = column.values
    if values.dtype.kind == "O":
        numbers: dict[object, int] = {}
        codes = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int32)
    else:
        codes = np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int32)
    return codes if column.valid is None else np.where(column.valid, codes, np.int32(-1))
