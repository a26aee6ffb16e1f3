"""Every kind of detector, in every way it works, on rows that suit all of them.

A new kind or method adds one line to `CASES` and is held to the whole contract; a kind without one
fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit

REFERENCE, WINDOW = 4000, 300

MODEL = {
    "features": {
        "age": "numeric",
        "income": "numeric",
        "visits": "numeric",
        "colour": "categorical",
        "member": "categorical",
    },
    "outputs": {"probability": "numeric"},
    "outcome": {"probability": "probability", "label": "label"},
}


@dataclass(frozen=True)
class Case:
    """A kind with settings for it; `judges`, `scores` and `folds` say what it must do."""

    kind: str
    detectors: Mapping[str, Any]
    judges: bool = False
    scores: bool = False
    folds: bool = False


def _drift(**settings: Any) -> Case:
    return Case("drift", {"drift": {"window": WINDOW, **settings}}, judges=True)


def _outlier(method: str) -> Case:
    return Case("outlier", {"outlier": {"method": method, "rate": 0.02}}, scores=True)


_BIAS = {
    "protected": ["member"],
    "metrics": ["statistical_parity_difference"],
    "tolerance": 0.3,
}

_DISAGREEMENT = {"rate": 0.02, "evidence": ["answers", "margin", "tails", "distance"]}

CASES: dict[str, Case] = {
    "adversarial": Case("adversarial", {"adversarial": {}}, folds=True),
    "bias": Case("bias", {"bias": _BIAS, "drift": {"window": WINDOW}}, judges=True),
    "disagreement": Case("disagreement", {"disagreement": _DISAGREEMENT}, scores=True),
    "drift": _drift(),
    "drift-by-windows": _drift(alarm={"rule": "windows"}),
    "drift-cvm": _drift(method="cvm", alarm={"rule": "windows"}),
    "drift-exact": _drift(exact=True),
    "drift-run-length": _drift(alarm={"run_length": 1_000_000}),
    "drift-requests": _drift(alarm={"block": "request", "block_by": "request"}),
    "joint": Case("joint", {"joint": {}, "drift": {"window": WINDOW}}, judges=True),
    "labels": Case("labels", {"labels": {}}, folds=True),
    "outlier-ecod": _outlier("ecod"),
    "outlier-combined": _outlier("combined"),
    "outlier-forest": _outlier("forest"),
    "outlier-hbos": _outlier("hbos"),
    "outlier-knn": _outlier("knn"),
    "outlier-mahalanobis": _outlier("mahalanobis"),
    "performance": Case(
        "performance",
        {
            "performance": {"probability": "probability", "label": "label"},
            "drift": {"window": WINDOW},
        },
        judges=True,
    ),
    "schema": Case("schema", {"schema": {}}, scores=True),
}


def rows_of(count: int, seed: int, *, changed: bool = False) -> Columns:
    """People: older and richer ones visit less; `changed` ones are a population that any kind of
    detector has to tell apart: other marginals, other dependence, extreme values, less certainty.
    """
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=count)
    age = np.round(45 + 12 * (hidden + rng.normal(size=count)) / 1.4)
    income = np.exp(0.6 * (hidden if not changed else -hidden) + 0.5 * rng.normal(size=count))
    visits = rng.poisson(np.exp(0.8 - 0.4 * hidden)).astype(float)
    visits[rng.random(count) < 0.05] = np.nan
    names = np.array(["red", "green", "blue", "grey"], object)
    colour = rng.choice(names, count, p=[0.5, 0.3, 0.15, 0.05])
    member = rng.random(count) < 0.3
    logit = 1.5 * hidden + 0.5 * member - 0.2
    if changed:
        age, income, logit = age + 90, income * 60, 0.15 * logit + 0.8 * (member - 0.5)
        colour = rng.choice(np.array(["red", "violet"], object), count)
    probability = 1 / (1 + np.exp(-logit))
    label = (rng.random(count) < probability).astype(np.int64)
    return Columns.of(
        request=np.arange(count) // 2,
        age=age,
        income=income,
        visits=visits,
        colour=colour,
        member=member,
        probability=probability,
        label=label,
    )


def fitted_for(case: str, seed: int = 0, rows: int = REFERENCE) -> Fitted:
    """The case on a reference drawn with this seed."""
    settings = {**MODEL, "detectors": dict(CASES[case].detectors)}
    return fit(rows_of(rows, seed), ModelSettings.model_validate(settings))
