"""Predictor calls of concurrent explanations, shared and not, behind a real MLServer.

    python -m benchmarks.coalescing [--seconds 4]

Sixteen threads ask what explanations of breast-cancer rows ask (logistic regression, V2 JSON): the
row, background rows, and rows blended of both, in three questions; no estimator and no service are
between. "alone": each explanation sends its own calls. "together": what is asked at one time goes
together. "kept": answers are kept for a minute too, and every row is asked about again and again.
Calls and rows are counted in the server; the ratio of calls is to "alone". "same" is the share of
explanations whose answers are, to 1e-9, those got alone: a matrix product rounds a row differently
among others.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer

from benchmarks.explainers_serving import LATENCIES, MODEL, Counter, predictor
from sidelight.config.settings import PredictorSettings
from sidelight.predictors import Predictor, open_predictor
from sidelight.predictors.caching import RowCache
from sidelight.predictors.coalescing import Coalescing
from sidelight.predictors.sharing import SharedPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import Asking

THREADS = 16
BUDGETS = (512, 2048)
QUESTIONS = 3
BACKGROUND = 100
EXPLAINED = 64
"""Different rows asked about; so few that some are asked again within a run."""

Floats = NDArray[np.float64]
Share = Callable[[], SharedPredictor]
"""How one explanation comes to its predictor."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    seconds = parser.parse_args().seconds
    print(
        f"{'latency':>8}{'budget':>8}  {'how':<10}{'expl./s':>9}{'p95 s':>8}"
        f"{'calls':>8}{'rows':>8}{'/ alone':>9}{'same':>7}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for latency in LATENCIES:
            with predictor(Path(folder), latency) as (server, counter):
                asked = PredictorSettings(
                    url=server.http, form="matrix", output="predict_proba[1]", timeout_seconds=60
                )
                client = open_predictor(MODEL, asked)
                for budget in BUDGETS:
                    _print_ways(client, latency, budget, seconds, counter)
                client.close()


def _print_ways(
    client: Predictor, latency: int, budget: int, seconds: float, counter: Counter
) -> None:
    together = SharedPredictor(Coalescing(client), RowCache())
    kept = SharedPredictor(Coalescing(client), RowCache(64 << 20))
    ways: dict[str, Share] = {
        "alone": lambda: SharedPredictor(Coalescing(client), RowCache()),
        "together": lambda: together,
        "kept": lambda: kept,
    }
    plans = [_plan(at, budget) for at in range(EXPLAINED)]
    truths = [_answers(ways["alone"](), plan) for plan in plans]
    first = 0.0
    for name, share in ways.items():
        counter.taken()
        waits, same, spent = _measured(share, plans, truths, seconds)
        calls, rows = (one / len(waits) for one in counter.taken())
        first = first or calls
        print(
            f"{latency:5} ms{budget:8}  {name:<10}{len(waits) / spent:9.1f}"
            f"{np.percentile(waits, 95):8.2f}{calls:8.2f}{rows:8.0f}{first / calls:8.1f}x"
            f"{same:7.0%}",
            flush=True,
        )


def _measured(
    share: Share, plans: list[list[Columns]], truths: list[Floats], seconds: float
) -> tuple[list[float], float, float]:
    """How long each explanation took, the share of right ones, and how long all took."""
    numbers = count()
    begun = time.perf_counter()

    def explain_on(_thread: int) -> list[tuple[float, bool]]:
        told = []
        while time.perf_counter() < begun + seconds:
            at, started = next(numbers) % EXPLAINED, time.perf_counter()
            answers = _answers(share(), plans[at])
            same = bool(np.allclose(answers, truths[at], rtol=0, atol=1e-9))
            told.append((time.perf_counter() - started, same))
        return told

    with ThreadPoolExecutor(THREADS) as pool:
        every = [one for told in pool.map(explain_on, range(THREADS)) for one in told]
    spent = time.perf_counter() - begun
    return [wait for wait, _ in every], float(np.mean([same for _, same in every])), spent


def _answers(shared: SharedPredictor, plan: list[Columns]) -> Floats:
    asking = Asking(shared, 1 << 20, 60)
    told = [asking.ask(question)["predict_proba"].values[:, 1] for question in plan]
    return np.concatenate(told)


def _plan(at: int, budget: int) -> list[Columns]:
    """The questions about one row: itself, the background, and blends of both."""
    table, _ = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(at)
    masks = rng.random((budget - BACKGROUND - 1, table.shape[1])) < 0.5
    blended = np.where(masks, table[at], table[rng.integers(0, BACKGROUND, len(masks))])
    every = np.vstack([table[at], table[:BACKGROUND], blended])
    return [_named(part) for part in np.array_split(every, QUESTIONS)]


def _named(table: Floats) -> Columns:
    return Columns(tuple(Column(f"f{at:02}", table[:, at]) for at in range(table.shape[1])))


if __name__ == "__main__":
    main()
