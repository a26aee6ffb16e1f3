"""Models with rows to explain, and their Shapley values for a background of 100 rows, exact (trees
by shap's `TreeExplainer`, few features by enumeration) or from 400,000 orders (logistic)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn import datasets
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sidelight_explainers.shapley.enumeration import Enumeration

with warnings.catch_warnings():
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    import shap

Floats = NDArray[np.float64]
Predict = Callable[[Floats], Floats]
BACKGROUND = 100


@dataclass(frozen=True, eq=False)
class BenchmarkGame:
    """A function of rows, the background (100, n), rows (r, n) and their true values (r, n);
    `truth` tells those of any row (n,) and background (b, n)."""

    name: str
    predict: Predict
    background: Floats
    rows: Floats
    truths: Floats
    truth: Callable[[Floats, Floats], Floats]


def games(explained: int) -> Iterator[BenchmarkGame]:
    """With so many rows each."""
    cancer = datasets.load_breast_cancer(return_X_y=True)
    wide = datasets.make_classification(
        3000, 100, n_informative=25, n_redundant=15, random_state=3, class_sep=0.8
    )
    net = MLPClassifier(hidden_layer_sizes=(32, 32), random_state=0, max_iter=1000)
    line = MLPRegressor(hidden_layer_sizes=(32, 32), random_state=0, max_iter=2000)
    boosted = GradientBoostingClassifier
    told = [
        ("cancer-30 forest", cancer, _forest(), _first, _of_trees),
        ("cancer-30 boosting", cancer, boosted(random_state=0), _margin, _of_trees),
        ("cancer-30 logistic", cancer, _scaled(LogisticRegression(max_iter=1000)), _first, _sums),
        ("digits-64 forest", _digits(), _forest(), _first, _of_trees),
        ("wine-13 MLP", _wine(), _scaled(net), _first, _enumerated),
        ("diabetes-10 MLP", datasets.load_diabetes(return_X_y=True), _scaled(line), _number,
         _enumerated),
        ("synthetic-100 boosting", wide, boosted(random_state=0), _margin, _of_trees),
    ]  # fmt: skip
    for name, data, model, how, truth in told:
        yield _game(name, data, model, how, truth, explained)


def _game(name: str, data: Any, model: Any, how: Any, truth: Any, explained: int) -> BenchmarkGame:
    table, labels = data
    order = np.random.default_rng(0).permutation(len(table))
    kept = BACKGROUND + explained
    model.fit(table[order[kept:]], labels[order[kept:]])
    background, rows = table[order[:BACKGROUND]], table[order[BACKGROUND:kept]]
    predict = how(model)

    def true(row: Floats, background: Floats) -> Floats:
        return np.asarray(truth(model, row, background, predict))

    truths = np.array([true(row, background) for row in rows])
    return BenchmarkGame(name, predict, background, rows, truths, true)


def _forest() -> Any:
    return RandomForestClassifier(100, random_state=0)


def _scaled(model: Any) -> Any:
    return make_pipeline(StandardScaler(), model)


def _wine() -> Any:
    table, labels = datasets.load_wine(return_X_y=True)
    return table, labels == 1


def _digits() -> Any:
    table, labels = datasets.load_digits(return_X_y=True)
    return table, labels == 3


def _first(model: Any) -> Predict:
    return lambda table: np.asarray(model.predict_proba(table)[:, 1])


def _margin(model: Any) -> Predict:
    return lambda table: np.asarray(model.decision_function(table))


def _number(model: Any) -> Predict:
    return lambda table: np.asarray(model.predict(table))


def _of_trees(model: Any, row: Floats, background: Floats, _predict: Predict) -> Floats:
    tree = shap.TreeExplainer(model, background, feature_perturbation="interventional")
    values = np.asarray(tree.shap_values(row[None], check_additivity=False))[0]
    return np.asarray(values[:, 1] if values.ndim == 2 else values)


def _enumerated(_model: Any, row: Floats, background: Floats, predict: Predict) -> Floats:
    everything = Enumeration(len(row), 1)
    masks, _ = everything.coalitions()
    told = [predict(np.where(masks, row, one)) for one in background]
    return np.asarray(np.mean([everything.contributions(one)[0] for one in told], axis=0))


def _sums(model: Any, row: Floats, background: Floats, _predict: Predict) -> Floats:
    """Of a logistic function of a sum: orders cost a sum each."""
    scaler, logistic = model[0], model[-1]
    weights = logistic.coef_[0] / scaler.scale_
    start = background @ weights + logistic.intercept_[0] - scaler.mean_ @ weights
    steps = (row - background) * weights
    rng, total, repeats = np.random.default_rng(1), np.zeros(len(row)), 2000
    for _ in range(repeats):
        orders = rng.permuted(np.tile(np.arange(len(row)), (len(background), 1)), axis=1)
        for one in (orders, orders[:, ::-1]):
            sums = np.cumsum(np.take_along_axis(steps, one, axis=1), axis=1) + start[:, None]
            gains = np.diff(expit(np.column_stack([start, sums])), axis=1)
            np.add.at(total, one, gains)
    return np.asarray(total / (2 * repeats * len(background)))
