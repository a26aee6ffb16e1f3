"""Learns from what explanations of one model bought, beside them."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock, Thread

from sidelight_explainers.shapley.proxies.reservoir import Floats, Reservoir
from sidelight_explainers.shapley.proxies.snapshot import Snapshot, learn

LEAST = 2000
"""Rows from which trees are worth growing."""
MOST = 20_000
"""Rows that are kept of each output."""
OUTPUTS = 8
"""Outputs of one model that are learnt, the first ones explained."""


class Learning:
    """For all threads. Snapshots follow each other whenever twice as many rows were seen; those of
    a model that has changed its version or the form of its answers are dropped with their rows."""

    def __init__(self, least: int = LEAST, most: int = MOST) -> None:
        self._least = least
        self._most = most
        self._lock = Lock()
        self._model: Hashable = None
        self._bought: dict[str, Reservoir] = {}
        self._due = least
        self._newest: Snapshot | None = None
        self._learner: Thread | None = None

    @property
    def newest(self) -> Snapshot | None:
        return self._newest

    def offer(self, model: Hashable, output: str, table: Floats, outputs: Floats) -> None:
        """Rows (r, n) with what the model answered (r,)."""
        with self._lock:
            if model != self._model:
                self._model, self._newest = model, None
                self._bought, self._due = {}, self._least
            if output not in self._bought and len(self._bought) >= OUTPUTS:
                return
            self._bought.setdefault(output, Reservoir(self._most)).add(table, outputs)
            seen = max(one.seen for one in self._bought.values())
            if seen >= self._due and self._learner is None:
                self._due = 2 * seen
                self._learner = Thread(target=self._learn, name="proxy", daemon=True)
                self._learner.start()

    def settle(self) -> None:
        """Wait until what is being learnt is published."""
        learner = self._learner
        if learner is not None:
            learner.join()

    def _learn(self) -> None:
        with self._lock:
            model = self._model
            enough = {name: one for name, one in self._bought.items() if one.seen >= self._least}
            bought = {name: one.content() for name, one in enough.items()}
        learnt: Snapshot | None = None
        try:
            learnt = learn(model, bought)
        finally:
            with self._lock:
                self._learner = None
                if learnt is not None and model == self._model:
                    self._newest = learnt
