"""What explainers and probing detectors ask: rows in, outputs out."""

from __future__ import annotations

from typing import Protocol

from sidelight.tensors import Columns


class Predictor(Protocol):
    """A model that answers batches, wherever it runs.

    Called from several threads at once. `__call__` gets at least one row and returns as many rows
    of outputs, in the same order; it raises `PredictorError` (`PredictorTimeout` past the deadline)
    and never returns a part. `ready` is cheap and never raises. `close` frees connections.
    """

    def __call__(self, rows: Columns) -> Columns: ...

    def ready(self) -> bool: ...

    def close(self) -> None: ...
