"""What an explanation says, and how good it is."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sidelight import __version__
from sidelight.tensors import Column

Stopped = Literal["accurate", "budget"]
"""accurate: every coalition was asked. budget: the rows allowed were spent on random orders."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """One feature's share in how far the prediction lies from the base value.

    `value` is the feature's value in the explained row, None for a null. `contribution` is in the
    output's own unit. `standard_error` is that of the contribution as an estimate for the whole
    reference, None when it rests on one background row.
    """

    feature: str
    value: Any
    contribution: float
    standard_error: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Shapley values of one row, and what they cost.

    ``base_value + sum(contributions) == prediction`` up to `additivity_gap`, which is rounding for
    a predictor that always gives the same answer and more for one that does not. `base_value` is
    the mean output over the `background_rows` used, out of `reference_rows`. `rows` and `calls` are
    what the predictor was really asked.
    """

    model: str
    method: str
    estimator: Literal["exact", "permutation"]
    output: str
    base_value: float
    prediction: float
    attributions: tuple[Attribution, ...]
    additivity_gap: float
    stopped: Stopped
    budget: int
    seed: int
    rows: int
    calls: int
    background_rows: int
    reference_rows: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The explanation as JSON values, in alibi's two parts: `meta` (how) and `data` (what)."""
        return {
            "meta": {
                "name": self.method,
                "type": ["blackbox"],
                "explanations": ["local"],
                "params": {"budget": self.budget, "seed": self.seed, "output": self.output},
                "version": __version__,
            },
            "data": {
                "model": self.model,
                "output": self.output,
                "base_value": self.base_value,
                "prediction": self.prediction,
                "attributions": [_attribution(one) for one in self.attributions],
                "additivity_gap": self.additivity_gap,
                "estimator": self.estimator,
                "stopped": self.stopped,
                "rows": self.rows,
                "calls": self.calls,
                "background_rows": self.background_rows,
                "reference_rows": self.reference_rows,
                "seconds": self.seconds,
            },
        }


def _attribution(one: Attribution) -> dict[str, Any]:
    return {
        "feature": one.feature,
        "value": one.value,
        "contribution": one.contribution,
        "standard_error": one.standard_error,
    }


def json_value(column: Column, row: int = 0) -> Any:
    """One element as a JSON value: None for a null or NaN, ISO 8601 for times, base64 for bytes."""
    if column.valid is not None and not column.valid[row]:
        return None
    value = column.values[row]
    if column.kind == "time":
        return None if np.isnat(value) else f"{value}Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    plain = value.item() if isinstance(value, np.generic) else value
    return None if plain != plain else plain
