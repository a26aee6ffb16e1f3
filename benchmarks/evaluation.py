"""Do the measures of `sidelight explain --evaluate` tell good amounts from bad ones, and what do
they cost?

A random forest (breast cancer, 30 features) in process. The same rows are explained with more and
less budget, and by amounts that know nothing: the explanation's own, shuffled. Means of 4 rows.
Run: ``python -m benchmarks.evaluation``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from sidelight.config.settings import ModelSettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.evaluation.evaluating import Evaluation, evaluate
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained, explained
from sidelight_explainers.subject import Subject
from sidelight_explainers.wishes import wish

ROWS = 4
BUDGETS = (128, 512, 2048, 8192)


@dataclass(frozen=True)
class Measured:
    """One explanation's evaluation, and how long that took."""

    evaluation: Evaluation
    seconds: float


def model() -> tuple[Explained, Columns]:
    """The forest with its reference, and rows it did not learn from."""
    data, target = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(data))
    known, new = order[:400], order[400:]
    forest = RandomForestClassifier(100, random_state=0).fit(data[known], target[known])
    names = [f"f{at}" for at in range(data.shape[1])]

    def answer(rows: Columns) -> Columns:
        table = np.column_stack([column.values for column in rows])
        return Columns((Column("probability", forest.predict_proba(table)[:, 1]),))

    reference = _columns(names, data[known])
    settings = ModelSettings.model_validate(
        {"features": dict.fromkeys(names, "numeric"), "explainers": {"shapley": {}}}
    )
    subject = Subject("forest", settings, tuple(names), reference, reference)
    return explained(subject, FunctionPredictor(answer)), _columns(names, data[new[:ROWS]])


def _columns(names: list[str], table: NDArray[np.float64]) -> Columns:
    return Columns(tuple(Column(name, table[:, at]) for at, name in enumerate(names)))


def shuffled(found: Explanation, seed: int) -> Explanation:
    """The same amounts, each with another feature."""
    content = found.content
    if not isinstance(content, Attributions):
        raise TypeError(f"{found.method} gives no amounts")
    order = np.random.default_rng(seed).permutation(len(content.attributions))
    told = tuple(
        replace(one, contribution=content.attributions[at].contribution)
        for one, at in zip(content.attributions, order, strict=True)
    )
    return replace(found, content=replace(content, attributions=told))


def measured(asked: Explained, rows: Columns, budget: int, *, knows: bool) -> Iterator[Measured]:
    """Each row's; of amounts that were shuffled unless the explanation is to know something."""
    wished = wish(asked, {"budget": budget}, "")
    for at in range(len(rows)):
        row = rows.take([at])
        found = asked.explain(wished.method, wished.options, row)
        started = time.perf_counter()
        told = evaluate(asked, wished, row, found if knows else shuffled(found, at))
        yield Measured(told, time.perf_counter() - started)


def line(name: str, told: list[Measured]) -> str:
    """Means."""
    found = [one.evaluation for one in told]
    columns = (
        [one.removal.deletion for one in found],
        [one.removal.insertion for one in found],
        [one.removal.random for one in found],
        [one.infidelity.share or 0.0 for one in found],
        [one.stability.spread or 0.0 for one in found],
        [one.max_sensitivity or 0.0 for one in found],
    )
    means = " ".join(f"{np.mean(column):10.3f}" for column in columns)
    rows = np.mean([one.rows for one in found])
    seconds = np.mean([one.seconds for one in told])
    return f"{name:<16} {means} {rows:10.0f} {seconds:8.1f}"


def main() -> None:
    asked, rows = model()
    heads = ("deletion", "insertion", "random", "unforetold", "seeds", "close by", "rows")
    print(f"{'shapley':<16} {' '.join(f'{head:>10}' for head in heads)} {'seconds':>8}")
    for budget in BUDGETS:
        print(line(f"budget {budget}", list(measured(asked, rows, budget, knows=True))), flush=True)
    print(line("shuffled", list(measured(asked, rows, 2048, knows=False))))


if __name__ == "__main__":
    main()
