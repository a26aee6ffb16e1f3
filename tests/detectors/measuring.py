"""Many columns at once as repetitions: each has a reference and a window of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Column, Columns
from sidelight_detectors.contract import ColumnFinding, Measure
from sidelight_detectors.fitted import Fitted, fit

MEASURES = (
    "psi",
    "jensen-shannon",
    "total-variation",
    "wasserstein",
    "mean",
    "std",
    "missing",
    "new",
    "constant",
)

Draw = Callable[[np.random.Generator, int], NDArray[Any]]


def fitted_on(columns: Columns, **drift: Any) -> Fitted:
    drift = {"measures": MEASURES, "tolerance": 0.0, **drift}
    return fit(columns, ModelSettings.model_validate({"detectors": {"drift": drift}}))


def judged(fitted: Fitted, window: Columns) -> tuple[ColumnFinding, ...]:
    return fitted.judge(fitted.summarise(fitted.index(window)), 1).columns


def one(
    reference: Column | NDArray[Any], window: Column | NDArray[Any], **drift: Any
) -> ColumnFinding:
    """One column `x` judged."""
    fitted = fitted_on(_single(reference), **drift)
    (finding,) = judged(fitted, _single(window))
    return finding


def repeated(
    reference: Draw, window: Draw, n: int, m: int, repeats: int = 200, seed: int = 0, **drift: Any
) -> list[ColumnFinding]:
    rng = np.random.default_rng(seed)
    names = [f"c{number:03}" for number in range(repeats)]
    known = Columns.of(**{name: reference(rng, m) for name in names})
    seen = Columns.of(**{name: window(rng, n) for name in names})
    return [*judged(fitted_on(known, window=max(n, 20), **drift), seen)]


def measures_of(finding: ColumnFinding) -> Mapping[str, Measure]:
    return {measure.name: measure for measure in finding.measures}


def _single(values: Column | NDArray[Any]) -> Columns:
    column = values if isinstance(values, Column) else Column("x", values)
    return Columns((column.renamed("x"),))
