"""Similar reference rows."""

from __future__ import annotations

import numpy as np
import pytest

from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.contents.examples import Examples
from sidelight_explainers.explanation import Explanation
from tests.explainers.games import explainer, numeric, predictor
from tests.explainers.serving import Floats

ROWS = np.random.default_rng(0).normal(size=(200, 3))


def sure(table: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-4 * table[:, 0])))


def examples(explanation: Explanation) -> Examples:
    assert isinstance(explanation.content, Examples)
    return explanation.content


def test_the_row_itself_comes_first_and_the_others_by_distance() -> None:
    explanation = explainer(predictor(sure), numeric(ROWS), "similar")(numeric(ROWS[7:8]))
    found = examples(explanation)
    assert found.examples[0].row == 7
    assert found.examples[0].distance == 0
    distances = [one.distance for one in found.examples]
    assert distances == sorted(distances)
    assert len(distances) == 5
    spread = np.abs(ROWS - np.median(ROWS, axis=0)).mean(axis=0)
    every = np.sort((np.abs(ROWS - ROWS[7]) / spread).sum(axis=1))
    np.testing.assert_allclose(distances, every[:5])
    assert explanation.quality.calls == 1


def test_rows_decided_otherwise_can_be_wished() -> None:
    explain = explainer(predictor(sure), numeric(ROWS), "similar")
    for decided in ("same", "other"):
        found = examples(explain(numeric(ROWS[7:8]), decided=decided))
        assert len(found.examples) == 5
        assert all(one.same == (decided == "same") for one in found.examples)


def test_a_number_that_decides_nothing_has_likes_too() -> None:
    explain = explainer(predictor(lambda table: 100 * table[:, 0]), numeric(ROWS), "similar")
    found = examples(explain(numeric(ROWS[7:8])))
    assert found.decision == pytest.approx(100 * ROWS[7, 0])
    assert {one.same for one in found.examples} == {None}
    with pytest.raises(DataMismatch, match="set 'threshold'"):
        explain(numeric(ROWS[7:8]), decided="other")


def test_a_small_reference_and_a_wrong_column_are_no_trouble() -> None:
    explain = explainer(predictor(sure), numeric(ROWS[:2]), "similar")
    assert len(examples(explain(numeric(ROWS[7:8]))).examples) == 2
    with pytest.raises(DataMismatch, match="f0"):
        explain(Columns.of(f0=["a"], f1=[1.0], f2=[1.0]))


def test_rare_decisions_are_looked_for_as_far_as_the_budget_goes() -> None:
    rows = np.random.default_rng(1).normal(size=(3000, 2))

    def rare(table: Floats) -> Floats:
        return np.asarray(table[:, 0] > 2.5, np.float64)

    explain = explainer(predictor(rare), numeric(rows), "similar", max_budget=32768)
    row, there = np.array([[-2.0, 0.0]]), int((rows[:, 0] > 2.5).sum())
    found = explain(numeric(row), decided="other", budget=4096)
    assert len(examples(found).examples) == 5
    assert found.quality.stopped == "accurate"
    all_of_them = explain(numeric(row), decided="other", budget=4096, examples=100)
    assert len(examples(all_of_them).examples) == there
    assert all_of_them.quality.stopped == "accurate"
    few = explain(numeric(row), decided="other", budget=200)
    assert len(examples(few).examples) < 5
    assert few.quality.stopped == "budget"
