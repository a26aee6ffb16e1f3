"""Trees as flat arrays, whichever library grew them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.whitebox.reading import Floats, Ints

REFUSALS = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What `shap` raises in a model that it cannot read, beside its own error."""


@dataclass(frozen=True, eq=False)
class Trees:
    """An ensemble whose output is ``offset + sum over trees of the value of the row's leaf``.

    Nodes of all trees are numbered in one row. `left`, `right` and `missing` (v,) are the next
    nodes of ``x <= threshold``, of the others and of NaN, -1 in leaves; `feature`, `threshold`
    (v,); `values` (v, k) for each of k outputs; `offset` (k,). Rows are rounded to `dtype` first,
    as the model does. `roots` (t,) are the trees' first nodes.
    """

    left: Ints
    right: Ints
    missing: Ints
    feature: Ints
    threshold: Floats
    values: Floats
    roots: Ints
    offset: Floats
    dtype: Any

    def rounded(self, table: Floats) -> Floats:
        """The rows (r, n) with the numbers that the model compares."""
        return np.asarray(table.astype(self.dtype), np.float64)


def read_trees(model: Any) -> Trees | None:
    """The trees of a fitted scikit-learn, XGBoost or LightGBM model; None for any other model.

    `shap` reads the libraries' formats; its own sums are not used, as they round thresholds to 32
    bits, which sends float64 rows of HistGradientBoosting down other branches.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matplotlib and numba tell shap is not for our reader
        from shap import TreeExplainer
        from shap.utils._exceptions import InvalidModelError

        try:
            read = TreeExplainer(model).model
        except (InvalidModelError, *REFUSALS):
            return None
    # splits of categories by sets; shap that does not tell of them does not read them either
    if np.any(getattr(read, "threshold_types", np.zeros(1)) > 0):
        return None
    return _flat(read)


def _flat(read: Any) -> Trees:
    trees, nodes = read.children_left.shape
    first = np.arange(trees)[:, None] * nodes

    def numbered(children: NDArray[Any]) -> Ints:
        return np.where(children < 0, -1, children + first).astype(np.intp).reshape(-1)

    return Trees(
        numbered(read.children_left),
        numbered(read.children_right),
        numbered(read.children_default),
        read.features.astype(np.intp).reshape(-1),
        read.thresholds.astype(np.float64).reshape(-1),
        read.values.astype(np.float64).reshape(trees * nodes, -1),
        first.reshape(-1),
        np.broadcast_to(np.asarray(read.base_offset, np.float64).reshape(-1), read.values.shape[2]),
        read.input_dtype,
    )
