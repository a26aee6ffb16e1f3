"""Shapley values read from a model's file: how long, how exact, beside `shap.TreeExplainer`.

Each row is explained as a request would be: one call to the predictor (here in this process, its
time counted) with the row and 8 witnesses, then the sums. Times are the processor's; `sums` is
without the predictor's. `gap` is the largest difference between the model's answer and base value
plus shares; of `shap` likewise. `error` is the largest difference to an exact answer by other
means: all coalitions where there are at most ten features, else none.
Run: ``python -m benchmarks.whitebox``.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sidelight.predictors.caching import RowCache
from sidelight.predictors.coalescing import Coalescing
from sidelight.predictors.sharing import SharedPredictor
from sidelight.predictors.sklearn_model import SklearnPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import Asking
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.reference.background import Background
from sidelight_explainers.shapley.enumeration import Enumeration
from sidelight_explainers.whitebox.boxing import read_box
from sidelight_explainers.whitebox.contract import Unread

Floats = NDArray[np.float64]
BACKGROUND = 100
EXPLAINED = 60
CASES: tuple[tuple[str, Callable[..., Any], Any], ...] = (
    ("bc-30 forest 100", load_breast_cancer, RandomForestClassifier(100, random_state=0)),
    ("bc-30 extra trees 100", load_breast_cancer, ExtraTreesClassifier(100, random_state=0)),
    ("bc-30 logistic", load_breast_cancer, make_pipeline(StandardScaler(), LogisticRegression())),
    ("wine-13 forest 100", load_wine, RandomForestClassifier(100, random_state=0)),
    ("diabetes-10 forest 100", load_diabetes, RandomForestRegressor(100, random_state=0)),
    ("diabetes-10 boosting", load_diabetes, GradientBoostingRegressor(random_state=0)),
    ("diabetes-10 histogram", load_diabetes, HistGradientBoostingRegressor(random_state=0)),
    ("diabetes-10 ridge", load_diabetes, make_pipeline(StandardScaler(), Ridge())),
)


def measured(name: str, table: Floats, target: Floats, model: Any) -> str:
    """One line of the report."""
    model.fit(table, target)
    background, rows = table[:BACKGROUND], table[-EXPLAINED:]
    reference = numeric(background)
    local = SklearnPredictor("m", model, reference.names)
    started = time.process_time()
    box: Any = read_box(local, Background(reference, len(table)))
    opened = time.process_time() - started
    if isinstance(box, Unread):
        return f"{name:24s} not read: {box.reason}"
    shared = SharedPredictor(Coalescing(local), RowCache())
    whole: list[float] = []
    sums: list[float] = []
    gaps: list[float] = []
    errors: list[float] = []
    for row in rows:
        one = numeric(row[None])
        started = time.process_time()
        found = box(one, None, Asking(shared, 2048, 60))
        whole.append(time.process_time() - started)
        assert isinstance(found, Attributions), found
        number = len(box.readings) - 1
        if "[" in found.output:
            number = int(found.output.split("[")[1].rstrip("]"))
        reading, part = box.readings[number], box.table(one)
        started = time.thread_time()
        shares = reading.contributions(part)
        sums.append(time.thread_time() - started)
        gaps.append(abs(found.additivity_gap or 0.0))
        if table.shape[1] <= 10 and len(errors) < 2:
            errors.append(float(np.abs(shares - exact(model, row, background)).max()))
    told = [np.percentile(whole, 50), np.percentile(whole, 95), np.percentile(sums, 95)]
    times = "".join(f"{one * 1e3:9.2f}" for one in told)
    error = f"{max(errors):9.0e}" if errors else f"{'-':>9s}"
    theirs = peer(model, background, rows)
    return f"{name:24s}{opened * 1e3:9.0f}{times}{max(gaps):9.0e}{error}{theirs}"


def exact(model: Any, row: Floats, background: Floats) -> Floats:
    """Every coalition against every background row, asked of the model."""
    plan = Enumeration(len(row), len(background))
    masks, which = plan.coalitions()
    return np.asarray(
        plan.contributions(model.predict(np.where(masks, row, background[which]))).mean(axis=0)
    )


def peer(model: Any, background: Floats, rows: Floats) -> str:
    """p95 of `shap.TreeExplainer` on the same background, and its largest gap."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap
        from shap.maskers import Independent
    try:
        explain = shap.TreeExplainer(model, Independent(background, max_samples=len(background)))
    except Exception:  # no trees
        return f"{'-':>10s}{'-':>9s}"
    seconds, gaps = [], []
    for row in rows:
        started = time.process_time()
        shares = explain.shap_values(row[None], check_additivity=False)
        seconds.append(time.process_time() - started)
        told = np.asarray(explain.expected_value) + shares.reshape(len(row), -1).sum(axis=0)
        wanted = model.predict_proba if hasattr(model, "predict_proba") else model.predict
        gaps.append(np.abs(told - np.asarray(wanted(row[None])).reshape(-1)).max())
    return f"{np.percentile(seconds, 95) * 1e3:10.2f}{max(gaps):9.0e}"


def numeric(table: Floats) -> Columns:
    return Columns(tuple(Column(f"f{at}", table[:, at]) for at in range(table.shape[1])))


def main() -> None:
    print(f"background {BACKGROUND}, {EXPLAINED} rows each; milliseconds")
    heads = ("open", "p50", "p95", "sums p95", "gap", "error", "shap p95", "its gap")
    print(f"{'model':24s}" + "".join(f"{one:>9s}" for one in heads))
    for name, load, model in CASES:
        table, target = load(return_X_y=True)
        print(measured(name, table, target, model), flush=True)


if __name__ == "__main__":
    main()
