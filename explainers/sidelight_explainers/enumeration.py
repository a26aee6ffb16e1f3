"""Exact Shapley values: every coalition is asked, `shap.KernelExplainer` does the sums.

Given all coalitions its regression is no estimate: it is exact, draws no random number, and needs
none of the seconds of compilation that the first use of `shap.ExactExplainer` takes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.blend import Masks

with warnings.catch_warnings():
    # its plots set colour maps in a way that matplotlib is about to deprecate
    warnings.filterwarnings("ignore", "The set_", PendingDeprecationWarning)
    import shap


@dataclass(frozen=True)
class Enumeration:
    """All ``2 ** players`` coalitions against each of `size` background rows."""

    players: int
    size: int

    def coalitions(self) -> tuple[Masks, NDArray[np.intp]]:
        """The rows to ask: masks (2^p * size, p) and background (2^p * size,)."""
        subsets = (np.arange(1 << self.players)[:, None] >> np.arange(self.players)) & 1 == 1
        return np.repeat(subsets, self.size, axis=0), np.tile(np.arange(self.size), len(subsets))

    def baselines(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The output of each background row (size,), from the outputs of `coalitions`."""
        return outputs[: self.size]

    def contributions(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the outputs of `coalitions`, in that order, (size, p) by background row."""
        if self.players == 0:
            return np.zeros((self.size, 0))
        table = outputs.reshape(-1, self.size)
        weights = 1 << np.arange(self.players)

        def answer(masks: NDArray[Any]) -> NDArray[np.float64]:
            return table[masks.astype(np.intp) @ weights]

        # shap sees one game with `size` outputs whose rows are the masks, "absent" being 0
        absent, present = np.zeros((1, self.players)), np.ones((1, self.players))
        explainer = shap.KernelExplainer(answer, absent)
        values = explainer.shap_values(present, nsamples=len(table), l1_reg=0, silent=True)
        return np.asarray(values, np.float64).reshape(self.players, self.size).T
