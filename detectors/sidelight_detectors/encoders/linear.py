"""Features that are sums of a tensor's elements with fixed weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import Packed
from sidelight_detectors.encoders.contract import Features
from sidelight_detectors.encoders.projection import Projection, unpack_projection


@dataclass(frozen=True, eq=False)
class Linear:
    """A projection; its features are called `prefix` and a number."""

    prefix: str
    projection: Projection

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}{number}" for number in range(len(self.projection.scale)))

    def encode(self, rows: NDArray[np.float32]) -> Features:
        return self.projection.of(rows)

    def pack(self) -> Packed:
        header, arrays = self.projection.packed()
        return Packed({"prefix": self.prefix, **header}, arrays)


def unpack_linear(packed: Packed) -> Linear:
    return Linear(str(packed.header["prefix"]), unpack_projection(packed.header, packed.arrays))
