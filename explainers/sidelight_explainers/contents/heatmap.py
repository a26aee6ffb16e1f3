"""How much the output needs each place of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.method import Scope


@dataclass(frozen=True, eq=False, slots=True)
class Heatmap:
    """`heat` (h, w) in the output's unit, over `picture`, uint8 (h, w) or (h, w, 3).

    `error` (h, w) is the half width of a 95 % interval, None where there is none.
    """

    kind: ClassVar[str] = "heatmap"
    scope: ClassVar[Scope] = "local"

    output: str
    prediction: float
    heat: NDArray[np.float64]
    error: NDArray[np.float64] | None
    feature: str
    picture: NDArray[np.uint8]
    facts: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "prediction": self.prediction,
            "heat": self.heat.tolist(),
            "error": None if self.error is None else self.error.tolist(),
            "feature": self.feature,
            **dict(self.facts),
        }
