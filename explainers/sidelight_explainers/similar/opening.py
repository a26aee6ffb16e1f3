"""The nearest reference rows, and what the model says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.similar import SimilarSettings
from sidelight.tensors import Columns
from sidelight_explainers.contents.examples import Example, Examples
from sidelight_explainers.contents.values import json_value
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.games.tabular import TabularGame
from sidelight_explainers.reference.metric import Metric
from sidelight_explainers.reference.ordering import ordered_features
from sidelight_explainers.similar.saying import Saying, saying
from sidelight_explainers.subject import Subject

ASKED = 20
"""Rows asked for each example, when only some decisions are wanted."""


@dataclass(frozen=True)
class Similar:
    """Rows at the smallest distances of `metric`, asked in one call with the explained row."""

    subject: Subject
    metric: Metric

    def __call__(self, rows: Columns, options: SimilarSettings, inquiry: Inquiry) -> Explanation:
        reference = self.metric.reference
        row = TabularGame.of(rows, reference).explained()
        distances = self.metric.parts(row).sum(axis=1)
        wanted = options.examples * (1 if options.decided == "any" else ASKED)
        count = min(wanted, len(reference), inquiry.left - 1)
        nearest = np.argsort(distances, kind="stable")[:count]
        answer = inquiry.ask(Columns.concatenate([row, reference.take(nearest)]))
        told = saying(answer, self.subject.output(options), options)
        chosen = _chosen(told, options)
        content = Examples(
            output=told.output,
            decision=told.decision,
            values=_values(row, 0),
            examples=tuple(
                Example(
                    row=int(nearest[at]),
                    distance=float(distances[nearest[at]]),
                    values=_values(reference, int(nearest[at])),
                    prediction=told.predictions[at],
                    label=self._label(int(nearest[at])),
                    same=None if told.same is None else bool(told.same[at]),
                )
                for at in chosen
            ),
            reference_rows=len(reference),
        )
        enough = len(chosen) == options.examples or count == min(wanted, len(reference))
        quality = inquiry.quality("accurate" if enough else "budget")
        return self.subject.explanation("similar", options, content, quality)

    def _label(self, row: int) -> Any:
        outcome, table = self.subject.settings.outcome, self.subject.table
        if outcome is None or outcome.label is None or table is None or outcome.label not in table:
            return None
        return json_value(table[outcome.label], row)


def open_method(subject: Subject, settings: SimilarSettings) -> Similar:
    """Raises `ConfigError` where there is no reference."""
    return Similar(subject, Metric.of(subject.rows(), ordered_features(subject)))


def _chosen(told: Saying, options: SimilarSettings) -> NDArray[np.intp]:
    if told.same is None or options.decided == "any":
        return np.arange(len(told.predictions))[: options.examples]
    return np.flatnonzero(told.same == (options.decided == "same"))[: options.examples]


def _values(rows: Columns, row: int) -> Mapping[str, Any]:
    return {column.name: json_value(column, row) for column in rows}
