"""Pixels as small image files."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LARGEST_BYTES = 14_000
"""Of one image: two of them, in base64, and all else stay below 50 kB."""

_QUALITIES = (85, 70, 50, 30, 15)


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """An image (h, w, 3) that stands in the document itself."""
    kind, content = encoded(pixels)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def encoded(pixels: NDArray[np.uint8]) -> tuple[str, bytes]:
    """PNG where that is small, else JPEG as good as fits."""
    image = Image.fromarray(pixels)
    content = _saved(image, "PNG", optimize=True)
    if len(content) <= LARGEST_BYTES:
        return "png", content
    for quality in _QUALITIES:
        content = _saved(image, "JPEG", quality=quality)
        if len(content) <= LARGEST_BYTES:
            break
    return "jpeg", content


def _saved(image: Image.Image, kind: str, **how: int | bool) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()
