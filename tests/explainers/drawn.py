"""Pictures in every form, and a model that weighs their pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.contents.heatmap import Heatmap
from sidelight_explainers.explanation import Explanation
from tests.explainers.serving import Floats


def photo(height: int = 24, width: int = 32) -> NDArray[np.uint8]:
    """A dark and a light half with a red square, and some noise."""
    told = np.random.default_rng(0).integers(0, 9, (height, width, 3))
    told[:, width // 2 :] += 200
    told[4:10, 4:10, 0] += 180
    return told.astype(np.uint8)


FORMS: dict[str, tuple[NDArray[Any], Any]] = {
    "colours last": (photo(), "image"),
    "colours first": (photo().transpose(2, 0, 1), "image"),
    "grey": (photo()[:, :, 0], "image"),
    "grey with an axis": (photo()[:, :, :1], "image"),
    "whole numbers of JSON": (photo().astype(np.int64), "image"),
    "from 0 to 1": (photo().astype(np.float32) / 255, "image"),
    "normalised": (photo().astype(np.float64) / 40 - 2, "image"),
    "flat": (photo().reshape(-1), {"kind": "image", "shape": [24, 32, 3]}),
    "flat, colours first": (
        photo().transpose(2, 0, 1).reshape(-1),
        {"kind": "image", "shape": [3, 24, 32]},
    ),
}


def weights(height: int = 12, width: int = 16) -> Floats:
    told = np.zeros((height, width))
    told[2:5, 3:7] = 1.0
    told[8:10, 9:12] = -2.0
    return told


def linear(values: NDArray[Any]) -> Floats:
    return np.asarray((values * weights()).sum(axis=(1, 2)))


BLACK = {"baselines": ["constant"]}


def heat(explanation: Explanation) -> Heatmap:
    assert isinstance(explanation.content, Heatmap)
    return explanation.content
