"""Pictures under what their places moved: how to read them, and where a place is in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TINTED = (
    "Warm (red) places raise the output, cold (blue) ones lower it; the stronger the tint, the"
    " more."
)
NEEDED = "Places in their own colours are what the rule needs; pale ones may be anything."

_ROWS = ("top", "", "bottom")
_COLUMNS = ("left", "", "right")


def places_of(segments: Sequence[Sequence[int]], count: int) -> list[str]:
    """Where each of `count` regions of (h, w) lies, by its middle: ``top left, region 9``."""
    told = np.asarray(segments, np.intp)
    sizes = np.maximum(np.bincount(told.ravel(), minlength=count), 1)
    down, right = np.indices(told.shape)
    thirds = (
        (np.bincount(told.ravel(), axis.ravel(), count) / sizes * 3 / length).astype(int)
        for axis, length in ((down, told.shape[0]), (right, told.shape[1]))
    )
    return [
        f"{f'{_ROWS[row]} {_COLUMNS[column]}'.strip() or 'middle'}, region {at}"
        for at, (row, column) in enumerate(zip(*thirds, strict=True))
    ]
