"""What a drift detector of alibi-detect says, in our form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidelight_detectors.alarms.rule import WHOLE, Suspect
from sidelight_detectors.alibi.arrays import as_list
from sidelight_detectors.alibi.kinds import PERMUTING

SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
"""alibi-detect keeps p-values in float32, where those below this become 0."""


@dataclass(frozen=True, slots=True)
class AlibiFinding:
    """One batch, or the rows since the last result, against the reference.

    `type` is alibi-detect's class. `statistic`, `p_value` and `threshold` have one number a column
    of `columns`, or one for all of them together; NaN where there is none yet. The threshold is the
    p-value's where there are p-values, else the statistic's. `number` is the batch, counted from 1
    in this partition, or the rows a row-by-row detector has seen. `says` is whether alibi-detect
    itself says drift, at its own threshold; `ert` the run length it aims at, 0 for batches.
    """

    type: str
    partition: int
    number: int
    rows: int
    is_drift: bool
    says: bool
    columns: tuple[str, ...]
    statistic: tuple[float, ...]
    p_value: tuple[float, ...]
    threshold: tuple[float, ...]
    ert: float = 0.0

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> AlibiFinding:
        """Reads its fields; JSON has no NaN and writes null."""
        numbers = {name: _numbers(saved[name]) for name in ("statistic", "p_value", "threshold")}
        return cls(**{**saved, **numbers, "columns": tuple(saved["columns"])})

    @property
    def reason(self) -> str:
        return "drift"

    def suspects(self) -> tuple[Suspect, ...]:
        """The columns beyond their threshold, the furthest first."""
        names = self.columns if len(self.columns) == len(self.threshold) else ("",)
        told = zip(names, map(self._evidence, range(len(names))), strict=True)
        beyond = [Suspect(WHOLE, name, evidence) for name, evidence in told if evidence > 1.0]
        return tuple(sorted(beyond, key=lambda one: -one.evidence))

    def _evidence(self, place: int) -> float:
        """How many times the value is beyond its threshold."""
        threshold = self.threshold[place]
        if self.p_value:
            return threshold / self.p_value[place]
        value = self.statistic[place]
        return value / threshold if threshold > 0 else 1.0 + value - threshold


def p_values(type_: str, data: Mapping[str, Any], permutations: int) -> tuple[float, ...]:
    """alibi-detect's own, never 0: a permutation test counts what was observed as one of them."""
    values = as_list(data["p_val"])
    if type_ in PERMUTING:
        return tuple((round(p * permutations) + 1) / (permutations + 1) for p in values)
    return tuple(max(p, SMALLEST) for p in values)


def own_threshold(data: Mapping[str, Any], count: int) -> tuple[float, ...]:
    """One number a column; with nothing significant their FDR gives a list, of which the first is
    what the smallest p-value had to be below."""
    threshold = as_list(data["threshold"])[0]
    return (threshold,) * count


def _numbers(saved: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if value is None else value for value in saved)
