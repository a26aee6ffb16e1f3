"""What was learnt by one moment: it never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from sidelight_explainers.whitebox.forest import forests
from sidelight_explainers.whitebox.trees import Trees, read_trees

Floats = NDArray[np.float64]

HOW: Mapping[str, Any] = {
    "max_iter": 150,
    "max_leaf_nodes": 15,
    "learning_rate": 0.1,
    "min_samples_leaf": 10,
    "early_stopping": False,
    "random_state": 0,
}


@dataclass(frozen=True, eq=False)
class Proxy:
    """Trees for one output, learnt from so many `rows`."""

    ensemble: Any
    trees: Trees
    rows: int
    threads: Any

    def outputs(self, table: Floats) -> Floats:
        """(r,) of rows (r, n)."""
        # threads of one explanation would only wait for those of another
        with self.threads.limit(limits=1, user_api="openmp"):
            return np.asarray(self.ensemble.predict(table), np.float64)

    def shares(self, row: Floats, background: Floats) -> Floats | None:
        """Exact interventional Shapley values (n,) of a row (1, n) for background rows (b, n);
        None where they cannot be told or do not add up."""
        features = np.arange(row.shape[1])
        read = forests(self.trees, background, features, len(features))
        if not read:
            return None
        told = read[0].contributions(row)
        gap = self.outputs(row)[0] - self.outputs(background).mean() - told.sum()
        return told if abs(gap) <= 1e-6 * max(1.0, np.abs(told).sum()) else None


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A proxy for each output by name, of the `model` that answered (see `model_of`)."""

    id: str
    model: Hashable
    proxies: Mapping[str, Proxy]

    @property
    def seed(self) -> int:
        """The id as a number."""
        return int(self.id, 16)


def learn(model: Hashable, bought: Mapping[str, tuple[Floats, Floats]]) -> Snapshot:
    """From rows (r, n) and outputs (r,) by the output's name; the same give the same id."""
    digest = hashlib.sha256(repr(model).encode())
    for name, (table, outputs) in sorted(bought.items()):
        digest.update(name.encode() + table.tobytes() + outputs.tobytes())
    proxies = {name: _proxy(*told) for name, told in bought.items()}
    read = {name: one for name, one in proxies.items() if one is not None}
    return Snapshot(digest.hexdigest()[:16], model, read)


def _proxy(table: Floats, outputs: Floats) -> Proxy | None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    threads = ThreadpoolController()
    with threads.limit(limits=1, user_api="openmp"):
        ensemble = HistGradientBoostingRegressor(**HOW).fit(table, outputs)
    trees = read_trees(ensemble)
    return None if trees is None else Proxy(ensemble, trees, len(table), threads)
