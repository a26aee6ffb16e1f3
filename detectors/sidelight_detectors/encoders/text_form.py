"""Reading rows that are texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Column
from sidelight_detectors.cells import elements_of
from sidelight_detectors.texts import texts_of


@dataclass(frozen=True)
class TextForm:
    """A column of strings; bytes are read as UTF-8."""

    name: str

    def read(self, column: Column) -> tuple[list[str], NDArray[np.bool_]]:
        """The text of each row and which of them are there, ``(n,)``; a null reads as "".

        Raises `DataMismatch` when a row holds no text, or several.
        """
        values, valid = elements_of(column)
        there = np.ones(len(values), bool) if valid is None else valid
        if column.kind not in ("string", "bytes"):
            if there.any():
                raise DataMismatch(
                    f"column {self.name!r} holds {column.kind} values, text was expected; "
                    "send strings, or declare it numeric or categorical"
                )
            return [""] * len(values), there
        return list(texts_of(values)), there
