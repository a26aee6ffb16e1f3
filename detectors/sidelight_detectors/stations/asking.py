"""Asking the live predictor about rows of a partition, within a budget."""

from __future__ import annotations

from collections import Counter

from sidelight.errors import PredictorError
from sidelight.predictors.contract import Predictor
from sidelight.predictors.spending import spending
from sidelight.tensors import Columns
from sidelight_detectors.stations.budget import Budget

REFUSALS = (400, 413, 415, 422, 500, 501)
"""What a predictor says that is there and will not answer this question, however often asked."""


MOST_FAILURES = 8
"""In a row, of a predictor that says that it is ready: it does not answer this question."""


class Refused(Exception):
    """The predictor is there and does not answer this question."""


class Asker:
    """`counts` gets the rows that were asked about, retries included."""

    def __init__(self, predictor: Predictor, budget: Budget, counts: Counter[str]) -> None:
        self._predictor = predictor
        self._budget = budget
        self._counts = counts
        self._failures = 0

    def affords(self, cost: int) -> int:
        """Questions of `cost` rows each that may be asked now."""
        return self._budget.affords // cost

    def ask(self, rows: Columns) -> Columns:
        """The outputs, one row each.

        Raises `PredictorError` when nobody answers, which costs nothing of the budget: it does not
        run dry while the predictor is away. `Refused` when the predictor says no, or is there and
        fails at this question again and again: others are not to wait behind it for ever.
        """
        with spending() as spent:
            try:
                answers = self._predictor(rows)
            except PredictorError as exc:
                self._counts["asked"] += spent.rows
                if not self._is_refusal(exc):
                    raise
                self._failures = 0
                self._budget.spend(spent.rows)
                raise Refused(str(exc)) from exc
        self._failures = 0
        self._counts["asked"] += spent.rows
        self._budget.spend(spent.rows)
        return answers

    def _is_refusal(self, cause: PredictorError) -> bool:
        if cause.status in REFUSALS:
            return True
        self._failures += 1
        return self._failures >= MOST_FAILURES and self._predictor.ready()


def version_of(answers: Columns) -> str:
    """The version of the model that answered, empty when it does not say."""
    return str(answers.parameters.get("model_version") or "")
