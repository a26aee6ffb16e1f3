"""What each watched column has of the scores of flagged rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.disagreement.measures import Measures, Told
from sidelight_detectors.indexed import Indexed


def shared_out(measures: Measures, rows: Indexed, nats: Told) -> NDArray[np.float64]:
    """Parts ``(n, columns)`` that add up to the score.

    What speaks by the answer belongs to the outputs it is read from, what speaks by the row's place
    to the features, by their parts of the tails.
    """
    outputs = _outputs(measures)
    parts = measures.tails.contributions(rows, np.empty(0))
    whole = parts.sum(axis=1, keepdims=True)
    even = np.full_like(parts, 1 / measures.tails.features)
    even[:, measures.tails.features :] = 0.0
    shares = np.divide(parts, whole, out=even, where=whole > 0)
    placed = sum((nats[name] for name in ("tails", "distance") if name in nats), _none(rows))
    answered = sum((nats[name] for name in ("answers", "margin") if name in nats), _none(rows))
    found = shares * placed[:, None]
    found[:, outputs] += (answered / len(outputs))[:, None]
    return np.asarray(found)


def _outputs(measures: Measures) -> list[int]:
    names = measures.tails.grid.names
    return [names.index(name) for name in measures.answers.outcome.outputs]


def _none(rows: Indexed) -> NDArray[np.float64]:
    return np.zeros(len(rows))
