"""Models whose decisions are explained: wine and breast cancer, a forest and a line of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sidelight.tensors import Column, Columns

Floats = NDArray[np.float64]


@dataclass
class Game:
    """A model, what it learned from and what it did not; counts what it is asked."""

    name: str
    model: Any
    reference: Floats
    rows: Floats
    calls: int = 0
    asked: int = 0

    def decide(self, table: Floats) -> NDArray[np.int64]:
        return np.asarray(np.argmax(self.probabilities(table), axis=1), np.int64)

    def probabilities(self, table: Floats) -> Floats:
        self.calls, self.asked = self.calls + 1, self.asked + len(table)
        return np.asarray(self.model.predict_proba(table))


def games(rows: int) -> list[Game]:
    """Wine (13 features) and breast cancer (30), a forest and a logistic regression of each."""
    found = []
    for name, load in (("wine-13", load_wine), ("cancer-30", load_breast_cancer)):
        table, labels = load(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(table))
        learned, kept = np.split(order, [len(order) * 4 // 5])
        forest = RandomForestClassifier(100, random_state=0)
        linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        for kind, model in (("forest", forest), ("linear", linear)):
            model.fit(table[learned], labels[learned])
            found.append(Game(f"{name} {kind}", model, table[learned], table[kept[:rows]]))
    return found


def named(table: Floats) -> Columns:
    return Columns(tuple(Column(f"f{at}", table[:, at]) for at in range(table.shape[1])))


def matrix(rows: Columns) -> Floats:
    return np.column_stack([column.values for column in rows])
