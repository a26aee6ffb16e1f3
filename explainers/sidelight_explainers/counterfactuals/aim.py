"""Which decision is to be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.counterfactual import CounterfactualSettings
from sidelight.tensors import Columns
from sidelight_explainers.decisions import Decider, Range, choose_decider
from sidelight_explainers.outputs import choose_output


@dataclass(frozen=True, slots=True)
class Said:
    """What the predictor says of one row: the decision as a JSON value, the number behind it."""

    reached: bool
    score: float
    decision: Any
    number: float | None


@dataclass(frozen=True, eq=False)
class Aim:
    """What is to be reached. `label` is the explained row's decision; `wanted` the one to reach,
    None for any other."""

    decider: Decider
    label: Any
    wanted: Any

    @classmethod
    def of(cls, answer: Columns, output: str | None, options: CounterfactualSettings) -> Aim:
        """From the explained row's answer; `DataMismatch` for a `wanted` that it cannot give."""
        bounds = (options.at_least, options.at_most)
        if bounds != (None, None):
            lowest, highest = (-np.inf if bounds[0] is None else bounds[0]), bounds[1]
            name = choose_output(answer, output).name
            decider = Range(name, lowest, np.inf if highest is None else highest)
            return cls(decider, decider.labels(answer)[0], np.True_)
        chosen = choose_decider(answer, output, options)
        label = chosen.labels(answer)[0]
        told = options.wanted
        return cls(chosen, label, None if told is None else chosen.label(answer, told))

    @property
    def words(self) -> str:
        """What is wanted."""
        if self.wanted is None:
            return f"any other than {self.decider.words(self.label)}"
        return str(self.decider.words(self.wanted))

    @property
    def is_met(self) -> bool:
        """Has the explained row the wanted decision already?"""
        return self.wanted is not None and bool(self.label == self.wanted)

    def reached(self, answer: Columns) -> NDArray[np.bool_]:
        labels = self.decider.labels(answer)
        return np.asarray(labels != self.label if self.wanted is None else labels == self.wanted)

    def said(self, answer: Columns) -> list[Said]:
        """What an answer says of each row."""
        numbers = self.decider.numbers(answer)
        told = [None] * len(answer) if numbers is None else numbers.tolist()
        words = [self.decider.words(label) for label in self.decider.labels(answer)]
        reached, scores = self.reached(answer).tolist(), self.scores(answer).tolist()
        return [Said(*one) for one in zip(reached, scores, words, told, strict=True)]

    def scores(self, answer: Columns) -> NDArray[np.float64]:
        """How near each row is to being there, with 24 bits, since the last ones of an answer may
        depend on the rows it was asked with; all the same where nothing finer is known."""
        label = self.label if self.wanted is None else self.wanted
        scores = self.decider.scores(answer, label)
        if scores is None:
            return self.reached(answer).astype(np.float64)
        rounded = scores.astype(np.float32).astype(np.float64)
        return -rounded if self.wanted is None else rounded
