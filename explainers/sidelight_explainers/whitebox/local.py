"""Predictors in this process whose model can be read."""

from __future__ import annotations

from typing import Any, Protocol

from sidelight.tensors import Columns


class Readable(Protocol):
    """A predictor in this process. Its `model` takes what `table` makes of rows."""

    @property
    def model(self) -> Any: ...

    def table(self, rows: Columns) -> Any: ...

    def __call__(self, rows: Columns) -> Columns: ...
