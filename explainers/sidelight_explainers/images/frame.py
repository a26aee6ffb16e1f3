"""Where rows, columns and colours of a picture are in the numbers of a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Column

COLOURS = (1, 3, 4)
"""Lengths that an axis of colours has: grey, red-green-blue, and transparency behind them."""


@dataclass(frozen=True)
class Frame:
    """A picture of height, width and colours, in rows of `shape`, colours `first` or last."""

    shape: tuple[int, ...]
    height: int
    width: int
    colours: int
    first: bool

    def picture(self, row: NDArray[Any]) -> NDArray[Any]:
        """(h, w, c) of one row."""
        if self.first:
            return row.reshape(self.colours, self.height, self.width).transpose(1, 2, 0)
        return row.reshape(self.height, self.width, self.colours)

    def spread(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """What each pixel has, (h, w), for each number of a row in its order, (n,)."""
        return np.asarray(self.spread_many(pixels[None])[0])

    def spread_many(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """What each pixel has in each of many pictures, (r, h, w), likewise (r, n)."""
        axis = 1 if self.first else -1
        colours = np.repeat(np.expand_dims(pixels, axis), self.colours, axis=axis)
        return colours.reshape(len(pixels), -1)


def frame_of(
    column: Column, shape: tuple[int, ...], channels: Literal["first", "last"] | None
) -> Frame:
    """How pictures lie in a column; `shape` is that of pictures that are sent flat.

    Raises `DataMismatch` for what is no picture.
    """
    sent = column.values.shape[1:]
    if column.kind not in ("number", "boolean"):
        raise DataMismatch(f"feature {column.name!r} holds {column.kind}s; send numbers")
    axes = shape if shape and len(sent) == 1 else sent
    if math.prod(axes) != math.prod(sent) or not 2 <= len(axes) <= 3 or 0 in axes:
        raise DataMismatch(
            f"feature {column.name!r} has shape {list(sent)} in a row; send (height, width),"
            " (height, width, colours) or (colours, height, width), or set its 'shape' in the"
            " configuration"
        )
    if len(axes) == 2:
        return Frame(sent, axes[0], axes[1], 1, False)
    if _first(column.name, axes, channels):
        return Frame(sent, axes[1], axes[2], axes[0], True)
    return Frame(sent, axes[0], axes[1], axes[2], False)


def _first(name: str, axes: tuple[int, ...], channels: Literal["first", "last"] | None) -> bool:
    if channels is not None:
        return channels == "first"
    if axes[2] not in COLOURS and axes[0] not in COLOURS:
        raise DataMismatch(
            f"feature {name!r} has shape {list(axes)}: neither end has 1, 3 or 4 colours; set"
            " image.channels"
        )
    return axes[2] not in COLOURS
