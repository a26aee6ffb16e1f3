"""How an explanation ends when the predictor fails, hangs, or nobody waits any longer."""

from __future__ import annotations

import pytest

from sidelight.errors import PredictorError, PredictorTimeout
from sidelight.tensors import Columns
from sidelight_explainers.asking import Cancelled, OutOfTime
from tests.explainer_contract.cases import CASES, Case, Hanging, explain
from tests.explainers.watching import Watching

each = pytest.mark.parametrize("case", CASES, ids=str)

SOON = 0.2
"""Seconds until the deadline."""


@each
@pytest.mark.parametrize("error", [PredictorError, PredictorTimeout])
def test_the_predictors_failure_is_the_answer(case: Case, error: type[PredictorError]) -> None:
    def broken(rows: Columns) -> Columns:
        raise error("the model is out of order")

    with pytest.raises(error, match="the model is out of order"):
        explain(case.model(broken), case.row(0))


@each
def test_a_predictor_that_never_answers_holds_nobody_past_the_deadline(case: Case) -> None:
    with Hanging(case.world.function) as hanging, pytest.raises(OutOfTime):
        explain(case.model(hanging), case.row(0), deadline_seconds=SOON)


@each
def test_what_is_known_at_the_deadline_is_said(case: Case) -> None:
    with Hanging(case.world.function, calls=1) as hanging:
        try:
            quality = explain(case.model(hanging), case.row(0), deadline_seconds=SOON).quality
        except OutOfTime:
            pytest.skip("one answer is not enough to say anything")
    assert quality.stopped == "deadline" or quality.calls == 1


@each
def test_who_leaves_while_the_predictor_hangs_ends_the_explanation(case: Case) -> None:
    with Hanging(case.world.function) as hanging, pytest.raises(Cancelled):
        explain(case.model(hanging), case.row(0), Watching(hanging.hangs))
