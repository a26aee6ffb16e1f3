"""The encoded columns of a model: what is sent, and what is watched in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sidelight.config.detecting.features import FeatureSettings
from sidelight.tensors import Column, Columns
from sidelight_detectors.contract import Packed
from sidelight_detectors.encoders.column import (
    EncodedColumn,
    arrays_under,
    fit_column,
    unpack_column,
)
from sidelight_detectors.split import held_out

TEACHING_SHARE, MOST_TEACHING = 0.25, 8192
"""Rows of the reference that teach the encoders: this share, so many at most."""


@dataclass(frozen=True, eq=False)
class Encoding:
    """Columns by the name they are sent under; every other column is watched as it is."""

    columns: Mapping[str, EncodedColumn] = field(default_factory=dict)

    @cached_property
    def _sources(self) -> Mapping[str, str]:
        columns = self.columns.values()
        return {name: column.name for column in columns for name in column.names}

    def source_of(self, watched: str) -> str:
        """The column a watched one was made of: ``picture`` of ``picture.pca3``, else itself."""
        return self._sources.get(watched, watched)

    def sources_of(self, watched: Sequence[str]) -> tuple[str, ...]:
        """The columns to be sent for these watched ones, each once."""
        return tuple(dict.fromkeys(map(self.source_of, watched)))

    def select(self, columns: Columns, names: Sequence[str]) -> Columns:
        """The sent columns of these names; a tensor or text that comes alone needs no name."""
        if len(names) == 1 and names[0] in self.columns and len(columns.columns) == 1:
            return Columns((columns.columns[0].renamed(names[0]),), columns.parameters)
        return columns.select(names)

    def widths(self, names: Sequence[str]) -> list[int]:
        """How many watched columns each of these sent ones becomes."""
        return [len(self.columns[name].names) if name in self.columns else 1 for name in names]

    def encode(self, columns: Sequence[Column | None], names: Sequence[str]) -> list[Column | None]:
        """What is watched in the place of each column; None for one that was not observed."""
        if not self.columns:
            return list(columns)
        pairs = zip(columns, names, self.widths(names), strict=True)
        parts = (self._encoded(*pair) for pair in pairs)
        return [one for part in parts for one in part]

    def _encoded(self, column: Column | None, name: str, width: int) -> Sequence[Column | None]:
        if column is None or name not in self.columns:
            return [column] * width
        return self.columns[name].encode(column)

    def pack(self) -> Packed:
        packed = [column.pack() for column in self.columns.values()]
        arrays = {
            f"{number}/{key}": array
            for number, one in enumerate(packed)
            for key, array in one.arrays.items()
        }
        return Packed({"columns": [dict(one.header) for one in packed]}, arrays)


PLAIN = Encoding()
"""Every column is watched as it is."""


def unpack_encoding(packed: Packed) -> Encoding:
    """Reads `Encoding.pack`; `KeyError`, `ValueError` or `TypeError` on anything else."""
    columns = [
        unpack_column(Packed(header, arrays_under(str(number), packed.arrays)))
        for number, header in enumerate(packed.header["columns"])
    ]
    return Encoding({column.name: column for column in columns})


def learn(reference: Columns, features: Mapping[str, FeatureSettings]) -> tuple[Encoding, Columns]:
    """Encoders of the columns that have some, and the reference rows that did not teach them.

    What an encoder learned from a row looks more ordinary to it than traffic ever will, so these
    rows are compared with nothing. Without encoders all rows stay.

    Raises as `encoders.column.fit_column`.
    """
    encoded = {name: feature for name, feature in features.items() if feature.encoding}
    if not encoded:
        return PLAIN, reference
    rows = len(reference)
    teaching = held_out(rows, min(TEACHING_SHARE, MOST_TEACHING / max(1, rows)))
    columns = reference.select([*encoded]).take(np.flatnonzero(teaching))
    pairs = zip(columns, encoded.values(), strict=True)
    fitted = {column.name: fit_column(column, feature) for column, feature in pairs}
    return Encoding(fitted), reference.take(np.flatnonzero(~teaching))
