"""What an encoder of one column is."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import Packed

Rows = Any
"""Rows as a form reads them: float32 ``(n, d)`` of a tensor, a list of ``str`` of texts."""

Features = NDArray[np.float64]
"""Shape ``(n, k)``: the features of each row."""


class Encoder(Protocol):
    """Features of each row, fitted on reference rows. Frozen; safe to share by threads.

    A row's features depend on that row alone, to the last bit: never on its neighbours in a batch.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """The k features, unique within the encoder: ``pca0``, ``pca1`` ..."""
        ...

    def encode(self, rows: Rows) -> Features: ...

    def pack(self) -> Packed:
        """`header` and `arrays` only; no pickle."""
        ...
