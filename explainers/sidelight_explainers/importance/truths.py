"""What came true, and what an output should have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.outcome import OutcomeSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Column, split_index, split_label
from sidelight_explainers.outputs import word

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Truths:
    """The label of some rows, and `classes`: all that it holds in any row, in their order."""

    label: Column
    classes: NDArray[Any]

    @classmethod
    def of(cls, label: Column) -> Truths:
        return cls(label, np.unique(label.values[label.known()]))

    def take(self, rows: NDArray[np.intp]) -> Truths:
        return Truths(self.label.take(rows), self.classes)

    @property
    def told(self) -> NDArray[np.intp]:
        """The rows whose label is not null."""
        return np.flatnonzero(self.label.known())

    def due(self, output: str, values: Floats, outcome: OutcomeSettings) -> Floats:
        """What an output whose values are `values` (n,) should have been (n,).

        Of a label that is named (``class=no``) and of a class's probability it is 1 where the label
        is that class, of other numbers the label itself. `DataMismatch` for labels that the output
        cannot be compared with.
        """
        named = split_label(output)[1]
        if named is not None:
            return self._is(named)
        if outcome.kind == "classification" and not self._are_labels(values):
            wanted = self._class(output, outcome)
            if wanted is not None:
                return self._is(wanted)
            if values.min() >= 0 and values.max() <= 1:
                return self._is(word(outcome.positive))
        if self.label.kind not in ("number", "boolean"):
            raise DataMismatch(
                f"output {output!r} is a number, and the label {self.label.name!r} holds"
                f" {self.label.kind}s; set 'output' to a probability, or 'loss' to change"
            )
        return self.label.values.astype(np.float64)

    def _are_labels(self, values: Floats) -> bool:
        """Are the numbers classes themselves?"""
        if self.label.kind not in ("number", "boolean"):
            return False
        return bool(np.isin(values, self.classes.astype(np.float64)).all())

    def _class(self, output: str, outcome: OutcomeSettings) -> str | None:
        """The class that a probability is of: as `outcome.probability` says, else that of its
        number; None of an output without one."""
        if outcome.probability == output:
            return word(outcome.positive)
        if isinstance(outcome.probability, dict) and output in outcome.probability.values():
            return next(name for name, one in outcome.probability.items() if one == output)
        index = split_index(output)[1]
        if index is not None and index >= len(self.classes):
            raise DataMismatch(
                f"output {output!r} is of class number {index}, and the label"
                f" {self.label.name!r} holds {len(self.classes)}; say in 'outcome.probability'"
                " which output is of which class"
            )
        return None if index is None else word(self.classes[index])

    def _is(self, wanted: str) -> Floats:
        return np.array([word(one) == wanted for one in self.label.values.tolist()], np.float64)
