"""What a model says of a row and of its likes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.similar import SimilarSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.decisions import Range, Side, choose_decider
from sidelight_explainers.outputs import choose_output


@dataclass(frozen=True, eq=False)
class Saying:
    """`decision` is about the row, `predictions` and `same` (k,) about its likes; `same` is None
    where the output is a number that decides nothing."""

    output: str
    decision: Any
    predictions: tuple[Any, ...]
    same: NDArray[np.bool_] | None


def saying(answer: Columns, output: str | None, options: SimilarSettings) -> Saying:
    """From the answer to the row and then its likes.

    `DataMismatch` when only some decisions are wanted and the output decides nothing.
    """
    try:
        decider = choose_decider(answer, output, options)
    except DataMismatch:
        if options.decided != "any":
            raise
        numbers = choose_output(answer, output)
        first, *others = numbers.values.tolist()
        return Saying(numbers.name, first, tuple(others), None)
    labels = decider.labels(answer)
    if isinstance(decider, Side | Range):
        predictions = choose_output(answer, decider.output).values[1:].tolist()
    else:
        predictions = [decider.words(label) for label in labels[1:]]
    same = np.asarray(labels[1:] == labels[0], bool)
    return Saying(decider.output, decider.words(labels[0]), tuple(predictions), same)
