"""What is lost when the output is another, and what the truth is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.outcome import OutcomeSettings
from sidelight_explainers.importance.truths import Truths

Floats = NDArray[np.float64]
Name = Literal["change", "squared", "absolute", "log", "wrong"]

SMALLEST = 1e-15
"""Probabilities are kept this far from 0 and 1, so that the log loss is finite."""


def _squared(output: Floats, truth: Floats) -> Floats:
    return np.asarray((output - truth) ** 2)


def _absolute(output: Floats, truth: Floats) -> Floats:
    return np.abs(output - truth)


def _log(output: Floats, truth: Floats) -> Floats:
    likely = np.clip(output, SMALLEST, 1 - SMALLEST)
    return np.asarray(-(truth * np.log(likely) + (1 - truth) * np.log(1 - likely)))


def _wrong(output: Floats, truth: Floats) -> Floats:
    """Of a label another one, of a probability the other side of one half."""
    return np.asarray(np.round(output) != truth, np.float64)


LOSSES: dict[Name, Callable[[Floats, Floats], Floats]] = {
    "change": _absolute,
    "squared": _squared,
    "absolute": _absolute,
    "log": _log,
    "wrong": _wrong,
}
WORDS: dict[Name, str] = {
    "change": "mean absolute change of the output",
    "squared": "mean squared error",
    "absolute": "mean absolute error",
    "log": "log loss",
    "wrong": "share of wrong decisions",
}


@dataclass(frozen=True, eq=False)
class Judge:
    """A loss, and what the outputs of n rows should have been (n,)."""

    name: Name
    truth: Floats

    def losses(self, outputs: Floats) -> Floats:
        """Of outputs (..., n)."""
        return LOSSES[self.name](outputs, self.truth)


def judge(name: str, output: str, values: Floats, outcome: OutcomeSettings, truth: Truths) -> Judge:
    """How an output is judged whose values (n,) should have followed the truth of n rows.

    Raises `DataMismatch` for labels that the output cannot be compared with.
    """
    due = truth.due(output, values, outcome)
    return Judge(_fitting(values, due, outcome) if name == "auto" else _known(name), due)


def _known(name: str) -> Name:
    return next(one for one in LOSSES if one == name)


def _fitting(values: Floats, due: Floats, outcome: OutcomeSettings) -> Name:
    """The loss for labels, for probabilities, or for other numbers."""
    if outcome.kind == "regression":
        return "squared"
    likely = min(values.min(), due.min()) >= 0 and max(values.max(), due.max()) <= 1
    whole = bool(np.all(values == np.round(values)))
    return "log" if likely and not whole else "wrong"
