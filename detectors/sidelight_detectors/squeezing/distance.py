"""How far answers are apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns


def answer_of(answers: Columns, output: str | None) -> Column:
    """The output that is compared: that of this name, else the first.

    Raises `DataMismatch` when it is not there.
    """
    if output is not None:
        return answers.select([output]).columns[0]
    if not answers.columns:
        raise DataMismatch("the answer has no outputs; there is nothing to compare")
    return answers.columns[0]


def apart(answer: Column, others: int) -> NDArray[np.float64]:
    """L1 distance of the answers to ``(1 + others) n`` rows, as of `squeezers.stacked`.

    Shape ``(n, others)``: from the answer to the row itself to the one to each other form of it.
    Of numbers with a fraction (probabilities) the sum of absolute differences; whole numbers and
    texts are classes: 2 where they are not the same, as if each were a certain probability.
    NaN where an answer has none.
    """
    values = answer.values.reshape(1 + others, len(answer) // (1 + others), -1)
    own, other = values[:1], values[1:]
    if answer.values.dtype.kind == "f":
        difference = np.abs(other.astype(np.float64) - own.astype(np.float64))
    else:
        difference = 2.0 * (other != own)
    return np.asarray(difference.sum(axis=2).T, np.float64)
