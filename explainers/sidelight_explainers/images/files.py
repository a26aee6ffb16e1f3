"""Pictures that travel as files, PNG or JPEG, as many served models take them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sidelight.errors import DataMismatch
from sidelight.tensors import Column

MOST_PIXELS = 1 << 24
"""A small file may hold a picture that fills the memory: larger ones are not opened."""
FAST = 1
"""The least compression of PNG: the files live for one question."""


def opened(sent: Column) -> Column:
    """The pixels (1, h, w) or (1, h, w, 3) of one picture; `sent` itself where it is no file.

    Raises `DataMismatch` for bytes that are no picture.
    """
    if sent.kind != "bytes" or sent.is_tensor:
        return sent
    try:
        with Image.open(io.BytesIO(sent.values[0])) as file:
            _check_size(sent.name, file)
            pixels = np.asarray(file.convert("L" if file.mode in ("1", "L") else "RGB"))
    except DataMismatch:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as exc:
        raise DataMismatch(f"feature {sent.name!r} holds bytes that are no picture") from exc
    return Column(sent.name, pixels[None])


def closed(pixels: NDArray[Any], sent: Column) -> Column:
    """Pictures (r, ...) in the form of the one that was sent: as PNG files, or as they are."""
    if sent.kind != "bytes" or sent.is_tensor:
        return Column(sent.name, pixels)
    told = np.empty(len(pixels), object)
    told[:] = [_png(one) for one in pixels]
    return Column(sent.name, told)


def _check_size(name: str, file: Image.Image) -> None:
    if file.width * file.height > MOST_PIXELS:
        raise DataMismatch(
            f"feature {name!r} is a picture of {file.width} x {file.height} pixels;"
            f" send {MOST_PIXELS} at most"
        )


def _png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=FAST)
    return file.getvalue()
