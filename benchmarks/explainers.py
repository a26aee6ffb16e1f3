"""What one explanation costs: ours beside shap's black-box explainers, over real HTTP.

A random forest (breast cancer, 30 features) is served by a process of its own, in V2 JSON. Both
methods ask it through the same client, with the same 100 background rows, for the same rows; the
ratios are to plain `shap.KernelExplainer`. Truth is shap's `TreeExplainer`, which reads the forest.
Run: ``python -m benchmarks.explainers``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.config.settings import ModelSettings, PredictorSettings
from sidelight.predictors import Predictor, open_predictor, spending
from sidelight.protocols import v2
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.models import explained
from sidelight_explainers.subject import Subject

with warnings.catch_warnings():
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    import shap

Floats = NDArray[np.float64]
BACKGROUND = 100
EXPLAINED = 5
BUDGETS = (2048, 10_000)


@dataclass(frozen=True)
class Cost:
    """One explanation: time, what the predictor was asked, and the relative squared error."""

    seconds: float
    calls: int
    rows: int
    error: float


def forest() -> tuple[RandomForestClassifier, Floats]:
    """The model, and the rows it did not learn from."""
    table, labels = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(table))
    learned, kept = order[:300], order[300:]
    model = RandomForestClassifier(100, random_state=0).fit(table[learned], labels[learned])
    return model, np.asarray(table[kept])


def named(table: Floats) -> Columns:
    return Columns(tuple(Column(f"f{at:02}", table[:, at]) for at in range(table.shape[1])))


def measured(explain: Callable[[int], Floats], truths: Floats) -> list[Cost]:
    """The cost of each explained row."""
    costs = []
    for at, truth in enumerate(truths):
        with spending() as spent:
            started = time.perf_counter()
            values = explain(at)
            seconds = time.perf_counter() - started
        error = float(np.sum((values - truth) ** 2) / np.sum(truth**2))
        costs.append(Cost(seconds, spent.calls, spent.rows, error))
    return costs


def ours(predictor: Predictor, table: Floats, budget: int) -> Callable[[int], Floats]:
    rows = named(table)
    options = ShapleySettings(budget=budget, background=BACKGROUND, output="p")
    settings = ModelSettings(explainers=ModelExplainers(shapley=options))
    model = explained(Subject("m", settings, rows.names, rows, rows), predictor)

    def values(at: int) -> Floats:
        content = model.explain("shapley", options, rows.take([at])).content
        assert isinstance(content, Attributions)
        return np.array([one.contribution for one in content.attributions])

    return values


def theirs(
    explainer: Any, predictor: Predictor, table: Floats, background: Floats, **how: Any
) -> Callable[[int], Floats]:
    def answer(rows: Floats) -> Any:
        return predictor(named(rows))["p"].values

    asking = explainer(answer, background)
    return lambda at: np.asarray(asking.shap_values(table[at], silent=True, **how))


def main() -> None:
    model, table = forest()
    chosen = np.random.default_rng(0).permutation(len(table))[:BACKGROUND]
    background = table[chosen]
    tree = shap.TreeExplainer(model, background, feature_perturbation="interventional")
    truths = np.asarray(tree.shap_values(table[:EXPLAINED], check_additivity=False))[..., 1]
    with server() as url:
        settings = PredictorSettings(url=url, timeout_seconds=60)
        predictor = open_predictor("m", settings)
        peers = {f"sidelight, budget {one}": ours(predictor, table, one) for one in BUDGETS}
        peer = partial(theirs, predictor=predictor, table=table, background=background)
        peers["shap.SamplingExplainer, 10000"] = peer(shap.SamplingExplainer, nsamples=10_000)
        peers["shap.KernelExplainer, l1_reg=0"] = peer(shap.KernelExplainer, l1_reg=0)
        peers["shap.KernelExplainer"] = peer(shap.KernelExplainer)
        costs = {name: measured(explain, truths) for name, explain in peers.items()}
        predictor.close()
    report(costs)


def report(costs: dict[str, list[Cost]]) -> None:
    print(f"median of {EXPLAINED} explanations             s  calls      rows   rel. error")
    for name, these in costs.items():
        seconds, calls, rows, error = (
            statistics.median(getattr(one, key) for one in these)
            for key in ("seconds", "calls", "rows", "error")
        )
        print(f"{name:32} {seconds:6.3f} {calls:6.0f} {rows:9.0f}   {error:.1e}")
    first, last = (list(costs.values())[at] for at in (0, -1))
    for key in ("seconds", "calls", "rows"):
        totals = [sum(getattr(one, key) for one in these) for these in (last, first)]
        print(f"shap / sidelight, {key}: {totals[0] / totals[1]:.0f}x")


@contextmanager
def server() -> Iterator[str]:
    """The forest behind HTTP, in a process that ends with the block."""
    argv = [sys.executable, "-m", "benchmarks.explainers", "serve"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def serve() -> None:
    import socket

    model, _ = forest()
    app = FastAPI()

    @app.post("/v2/models/m/infer")
    async def infer(request: Request) -> Response:
        rows = v2.decode_request(await request.body())
        table = np.column_stack([column.values for column in rows])
        yes = model.predict_proba(table)[:, 1]
        body = v2.encode_response(Columns((Column("p", yes),)))
        return Response(body, media_type="application/json")

    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
