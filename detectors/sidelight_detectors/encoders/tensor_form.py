"""Reading rows that are images or embeddings, as the reference holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.features import FeatureSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Column

BYTE, ONE = 255.0, 1.0
_BEYOND = 2.0
"""Times its largest allowed value that an image may reach before its scale is another."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TensorForm:
    """What a row looks like.

    Parameters
    ----------
    name:
        Of the column.
    shape:
        Of a row, without axes of one element.
    top:
        Images: 255 or 1, the end of the reference's scale that begins at 0; 0 when it has neither
        scale, and for other tensors.
    """

    name: str
    shape: tuple[int, ...]
    top: float = 0.0

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def read(self, column: Column) -> tuple[NDArray[np.float32], Mask]:
        """Rows float32 ``(n, d)`` and which of them are there, ``(n,)``.

        A row with a null, a NaN or an infinity in it is not there: its elements read as 0.

        Raises
        ------
        DataMismatch
            Not numbers, another shape, or an image on another scale than the reference's.
        """
        values, present = self._elements(column)
        if self.top:
            self._require_scale(values)
        return values, present

    def _elements(self, column: Column) -> tuple[NDArray[np.float32], Mask]:
        if column.kind not in ("number", "boolean"):
            return self._nothing(column)
        shape = squeezed(column.values.shape[1:])
        is_flat = len(shape) <= 1 or len(self.shape) == 1
        if shape != self.shape and not (is_flat and math.prod(shape) == self.size):
            raise DataMismatch(
                f"column {self.name!r}: a row has shape {list(shape)}, the reference's have "
                f"{list(self.shape)}; send that shape, or its {self.size} elements flat"
            )
        with np.errstate(over="ignore"):
            values = column.values.reshape(len(column), self.size).astype(np.float32)
        there: Mask = np.asarray(np.isfinite(values).all(axis=1))
        if column.valid is not None:
            there &= column.valid.reshape(len(column), -1).all(axis=1)
        values[~there] = 0
        return values, there

    def _nothing(self, column: Column) -> tuple[NDArray[np.float32], Mask]:
        if column.valid is None or column.valid.any():
            raise DataMismatch(
                f"column {self.name!r} holds {column.kind} values, a tensor of numbers was "
                "expected; send its elements as numbers"
            )
        return np.zeros((len(column), self.size), np.float32), np.zeros(len(column), bool)

    def _require_scale(self, values: NDArray[np.float32]) -> None:
        largest = values.max(axis=1, initial=0)
        if self.top == ONE:
            strange = largest > _BEYOND * ONE
        else:
            strange = (largest > _BEYOND * BYTE) | ((largest <= ONE) & (largest > 0))
            small = np.flatnonzero(strange & (largest <= ONE))
            # A dark image of whole numbers is on the scale to 255; fractions are not.
            strange[small] = (values[small] != np.rint(values[small])).any(axis=1)
        if strange.any():
            row = int(np.flatnonzero(strange)[0])
            raise DataMismatch(
                f"column {self.name!r}: row {row} reaches {largest[row]:g}, the reference is on "
                f"the scale 0..{self.top:g}; send images on that scale, or fit a reference on this"
            )

    def pack(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "top": self.top}


def tensor_form(column: Column, feature: FeatureSettings) -> TensorForm:
    """The form of a reference column.

    Raises `DataMismatch` when it holds no tensors, `ConfigError` when `shape` does not fit it.
    """
    if column.kind not in ("number", "boolean"):
        raise DataMismatch(
            f"column {column.name!r} holds {column.kind} values; {feature.kind}s are of numbers"
        )
    size = math.prod(column.values.shape[1:])
    if size < 2:
        raise DataMismatch(
            f"column {column.name!r} has {size} elements a row, no {feature.kind}; declare it "
            "numeric or categorical"
        )
    if feature.shape and math.prod(feature.shape) != size:
        raise ConfigError(
            f"column {column.name!r}: shape {list(feature.shape)} has "
            f"{math.prod(feature.shape)} elements, a row of the reference has {size}"
        )
    shape = squeezed(feature.shape or column.values.shape[1:])
    return TensorForm(column.name, shape, _top(column) if feature.kind == "image" else 0.0)


def unpack_tensor_form(name: str, header: Mapping[str, Any]) -> TensorForm:
    shape = tuple(int(length) for length in header["shape"])
    return TensorForm(name, shape, float(header["top"]))


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without axes of one element."""
    return tuple(length for length in shape if length != 1)


def _top(column: Column) -> float:
    values = column.values[np.isfinite(column.values)]
    least, most = float(values.min(initial=0)), float(values.max(initial=0))
    if least < 0 or most > BYTE:
        return 0.0
    return ONE if most <= ONE else BYTE
