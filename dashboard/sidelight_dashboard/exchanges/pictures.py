"""Pictures of rows as image files."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Column

COLOURS = (1, 3, 4)
"""Lengths that an axis of colours has."""
MOST_PIXELS = 1 << 24
BYTE = 255.0
DARK = 64.0
"""A picture without a number above this hardly runs from 0 to 255."""

_FILES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""How the files begin that models take as pictures."""


@dataclass(frozen=True)
class Picture:
    """A file and what it is."""

    content: bytes
    media_type: str


def is_file(column: Column) -> bool:
    """Whether the column's row is an image file that browsers show."""
    if column.kind != "bytes" or column.is_tensor:
        return False
    return any(column.values[0].startswith(magic) for magic in _FILES)


def is_picture(column: Column, shape: tuple[int, ...]) -> bool:
    """Whether its row can be seen; `shape` is that of pictures that are sent flat."""
    if column.kind in ("number", "boolean"):
        return _axes(column, shape) is not None
    return is_file(column)


def picture(column: Column, shape: tuple[int, ...]) -> Picture:
    """The one row as a file; raises `DataMismatch` for what is no picture."""
    if is_file(column):
        content = column.values[0]
        return Picture(content, next(t for m, t in _FILES.items() if content.startswith(m)))
    return Picture(png(pixels(column, shape)), "image/png")


def pixels(column: Column, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The one row, (h, w) or (h, w, 3), 0 to 255; raises `DataMismatch` for what is no picture."""
    axes = _axes(column, shape)
    if axes is None or column.kind not in ("number", "boolean"):
        raise DataMismatch(
            f"column {column.name!r} of shape {column.values.shape[1:]} is no picture; set its"
            " 'shape' in the configuration"
        )
    row = column.values[0]
    if len(axes) == 2:
        return _seen(row.reshape(*axes, 1))
    is_first = axes[2] not in COLOURS
    return _seen(row.reshape(axes).transpose(1, 2, 0) if is_first else row.reshape(axes))


def png(picture: NDArray[np.uint8]) -> bytes:
    """A PNG file of (h, w) or (h, w, 3)."""
    height, width = picture.shape[:2]
    lines = np.ascontiguousarray(picture).reshape(height, -1)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1)
    colour = 0 if picture.ndim == 2 else 2
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _axes(column: Column, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Height, width and colours as they lie in a row; None where it is no picture."""
    sent = column.values.shape[1:]
    axes = shape if shape and len(sent) == 1 else sent
    if math.prod(axes) != math.prod(sent) or not 2 <= len(axes) <= 3:
        return None
    if 0 in axes or math.prod(axes) > MOST_PIXELS:
        return None
    if len(axes) == 3 and axes[0] not in COLOURS and axes[2] not in COLOURS:
        return None
    return axes


def _seen(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """(h, w, c) in the model's numbers; transparency is left out."""
    black, white = _span(picture)
    scaled = (picture.astype(np.float64) - black) / ((white - black) or 1.0)
    told = np.clip(np.rint(np.nan_to_num(scaled) * BYTE), 0, BYTE).astype(np.uint8)
    return told[:, :, 0] if told.shape[2] == 1 else told[:, :, :3]


def _span(picture: NDArray[Any]) -> tuple[float, float]:
    """The numbers of black and white: 0 to 1 or 0 to 255 where all fit, else the extremes."""
    if picture.dtype in (np.uint8, np.bool_):
        return 0.0, BYTE if picture.dtype == np.uint8 else 1.0
    known = picture[np.isfinite(picture)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    if low >= 0 and DARK < high <= BYTE:
        return 0.0, BYTE
    return low, high
