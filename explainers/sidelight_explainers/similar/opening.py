"""The nearest reference rows, and what the model says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.similar import SimilarSettings
from sidelight.tensors import Columns
from sidelight_explainers.asking import OutOfTime
from sidelight_explainers.contents.examples import Example, Examples
from sidelight_explainers.contents.values import json_value
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.games.tabular import TabularGame
from sidelight_explainers.quality import Stopped
from sidelight_explainers.reference.metric import Metric
from sidelight_explainers.reference.ordering import ordered_features
from sidelight_explainers.similar.saying import Saying, saying
from sidelight_explainers.subject import Subject

ASKED = 20
"""Rows asked at first for each example, when only some decisions are wanted; then twice as many in
all, and so on."""


@dataclass(frozen=True)
class Similar:
    """Rows at the smallest distances of `metric`, asked with the explained row."""

    subject: Subject
    metric: Metric

    def __call__(self, rows: Columns, options: SimilarSettings, inquiry: Inquiry) -> Explanation:
        reference = self.metric.reference
        row = TabularGame.of(rows, reference).explained()
        distances = self.metric.parts(row).sum(axis=1)
        nearest = np.argsort(distances, kind="stable")
        told, stopped = self._told(row, nearest, options, inquiry)
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
        quality = inquiry.quality(stopped)
        return self.subject.explanation("similar", options, content, quality)

    def _told(
        self, row: Columns, nearest: NDArray[np.intp], options: SimilarSettings, inquiry: Inquiry
    ) -> tuple[Saying, Stopped]:
        """What the model says of so many of the nearest rows that as many as wished are among them,
        or as are affordable."""
        reference, output = self.metric.reference, self.subject.output(options)
        wanted = options.examples * (1 if options.decided == "any" else ASKED)
        count = min(wanted, len(reference), inquiry.left - 1)
        answer = inquiry.ask(Columns.concatenate([row, reference.take(nearest[:count])]))
        told = saying(answer, output, options)
        while len(_chosen(told, options)) < min(options.examples, len(reference)):
            more = min(count, len(reference) - count, inquiry.left)
            if count == len(reference):
                break
            if not inquiry.affords(max(more, 1)):
                return told, "deadline" if more else "budget"
            try:
                further = inquiry.ask(reference.take(nearest[count : count + more]))
            except OutOfTime:
                return told, "deadline"
            answer, count = Columns.concatenate([answer, further]), count + more
            told = saying(answer, output, options)
        return told, "accurate"

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
