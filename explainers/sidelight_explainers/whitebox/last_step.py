"""What can be read of a model's last step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sidelight_explainers.whitebox.forest import forests
from sidelight_explainers.whitebox.linear import Linear
from sidelight_explainers.whitebox.logistic import Logistic
from sidelight_explainers.whitebox.reading import Floats, Ints, Reading
from sidelight_explainers.whitebox.trees import read_trees

Readings = Mapping[int, Reading]
"""By the number of the output: a regression has 0 only, a classifier one a class."""


def readings(model: Any, background: Floats, owners: Ints, players: int) -> Readings | None:
    """What the model's outputs may be, over background rows (b, t); to be held against them.

    None for a model that is neither trees nor linear, empty where its trees are too large.
    """
    if hasattr(model, "coef_") and hasattr(model, "intercept_"):
        return _linear(model, background, owners, players)
    trees = read_trees(model)
    if trees is None:
        return None
    return dict(enumerate(forests(trees, background, owners, players)))


def _linear(model: Any, background: Floats, owners: Ints, players: int) -> Readings | None:
    weights = np.atleast_2d(np.asarray(model.coef_, np.float64))
    if len(weights) > 1 or weights.shape[1] != background.shape[1]:
        return None
    intercept = float(np.asarray(model.intercept_).reshape(-1)[0])
    added = Linear(weights[0], intercept, background, owners, players)
    if hasattr(model, "classes_"):
        return {0: Logistic(added, -1), 1: Logistic(added, 1)}
    return {0: added}
