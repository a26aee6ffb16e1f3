"""What alibi is told of the model's answers: numbers, or classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.alibi import AlibiSettings
from sidelight.errors import PredictorError
from sidelight.tensors import Columns
from sidelight_explainers.decisions import Decider, choose_decider
from sidelight_explainers.outputs import choose_column, choose_output


class Numbers:
    """The output as it is, (n,) or (n, k); one number of it where that is told."""

    def __init__(self, output: str | None) -> None:
        self._output = output

    def __call__(self, answer: Columns) -> NDArray[Any]:
        column = choose_column(answer, self._output)
        told = self._output is not None and self._output not in answer
        if told or column.values.ndim != 2 or column.kind != "number":
            found = choose_output(answer, self._output)
            # A label that stands for itself is the first answer's, in all answers.
            self._output = found.name
            return found.values
        if not np.isfinite(column.values).all():
            raise PredictorError(f"output {column.name!r} is not finite in some rows")
        return column.values.astype(np.float64)

    @property
    def classes(self) -> list[Any]:
        return []


class Classes:
    """The decision, as a number: its own where it is one, else the order of appearance."""

    def __init__(self, output: str | None, options: AlibiSettings) -> None:
        self._output = output
        self._options = options
        self._decider: Decider | None = None
        self._seen: dict[Any, int] = {}

    def __call__(self, answer: Columns) -> NDArray[Any]:
        if self._decider is None:
            self._decider = choose_decider(answer, self._output, self._options)
        labels = self._decider.labels(answer)
        if labels.dtype.kind in "iub":
            return labels.astype(np.int64)
        numbers = [self._seen.setdefault(label, len(self._seen)) for label in labels.tolist()]
        return np.array(numbers, np.int64)

    @property
    def classes(self) -> list[Any]:
        """The labels that the numbers stand for; empty where the numbers are the labels."""
        told = self._decider
        return [] if told is None else [told.words(label) for label in self._seen]
