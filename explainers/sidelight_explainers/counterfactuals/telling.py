"""Counterfactuals in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.contents.counterfactual import Change, Counterfactual, Counterfactuals
from sidelight_explainers.contents.values import json_value
from sidelight_explainers.counterfactuals.walking import Walk
from sidelight_explainers.games.blend import Blend, Codes
from sidelight_explainers.reference.metric import Metric


@dataclass(frozen=True, eq=False)
class Teller:
    """Puts rows into words. `gaps` (m,), ascending, are the distances between each reference row
    and the nearest other one."""

    mix: Blend
    walk: Walk
    metric: Metric
    gaps: NDArray[np.float64]

    def told(self, found: Codes) -> Counterfactuals:
        """The rows (c, n), nearest first."""
        steps = self.walk.steps
        aim = steps.aim
        itself = steps.said(np.full(found.shape[1], self.walk.stay, np.int32))
        return Counterfactuals(
            output=aim.decider.output,
            decision=itself.decision,
            prediction=itself.number,
            wanted=aim.words,
            counterfactuals=tuple(self._one(row) for row in found),
            facts=(("wanted_already", aim.is_met), ("reference_rows", self.mix.size)),
        )

    def _one(self, row: Codes) -> Counterfactual:
        said = self.walk.steps.said(row)
        return Counterfactual(
            changes=tuple(self._change(at, int(row[at])) for at in self._changed(row)),
            decision=said.decision,
            score=said.number,
            distance=float(self.walk.distances(row[None, :])[0]),
            plausibility=self._plausibility(row),
        )

    def _changed(self, row: Codes) -> list[int]:
        return np.flatnonzero(row != self.walk.stay).tolist()

    def _change(self, at: int, source: int) -> Change:
        column = self.mix.palette.columns[at]
        before, after = json_value(column, self.walk.stay), json_value(column, source)
        return Change(column.name, before, after)

    def _plausibility(self, row: Codes) -> float:
        distance = self.metric.nearest(self.mix.rows(row[None, :]))
        farther = len(self.gaps) - np.searchsorted(self.gaps, distance, side="right")
        return float(farther / len(self.gaps)) if distance > 0 else 1.0
