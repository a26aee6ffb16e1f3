"""What is lost when the output is another, and what the truth is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.outcome import OutcomeSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Column, split_index

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


def judge(name: str, output: str, values: Floats, outcome: OutcomeSettings, label: Column) -> Judge:
    """How an output is judged whose values (n,) should have followed the label (n rows).

    Raises `DataMismatch` for labels that the output cannot be compared with.
    """
    truth, found = _truth(output, values, outcome, label)
    return Judge(found if name == "auto" else _known(name), truth)


def _known(name: str) -> Name:
    return next(one for one in LOSSES if one == name)


def _truth(
    output: str, values: Floats, outcome: OutcomeSettings, label: Column
) -> tuple[Floats, Name]:
    """What the output should be, and the loss that fits it."""
    index = split_index(output)[1]
    if outcome.kind == "classification" and index is not None:
        return _indicator(label, _class(label, index, output)), "log"
    if outcome.kind == "classification" and values.min() >= 0 and values.max() <= 1:
        whole = bool(np.all(values == np.round(values)))
        return _indicator(label, outcome.positive), "wrong" if whole else "log"
    if label.kind not in ("number", "boolean"):
        raise DataMismatch(
            f"output {output!r} is a number, and the label {label.name!r} holds {label.kind}s; set"
            " 'output' to a probability, or 'loss' to change"
        )
    numbers = label.values.astype(np.float64)
    return numbers, "wrong" if outcome.kind == "classification" else "squared"


def _class(label: Column, index: int, output: str) -> object:
    """The class that a probability is of, where they are in the order of their names."""
    classes = np.unique(label.values)
    if index >= len(classes):
        raise DataMismatch(
            f"output {output!r} is of class number {index}, and the label {label.name!r} holds"
            f" {len(classes)}"
        )
    found: object = classes[index]
    return found


def _indicator(label: Column, wanted: object) -> Floats:
    return np.asarray(label.values == wanted, np.float64)
