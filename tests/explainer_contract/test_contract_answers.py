"""What every method's answers promise, whatever the method."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_explainers.pictures.rendering import render
from tests.explainer_contract.cases import CASES, Case, explain, told

each = pytest.mark.parametrize("case", CASES, ids=str)


@each
def test_the_same_question_gets_the_same_answer(case: Case) -> None:
    model = case.opened
    assert told(explain(model, case.row(0))) == told(explain(model, case.row(0)))


@each
def test_a_model_opened_again_explains_alike(case: Case) -> None:
    assert told(explain(case.opened, case.row(1))) == told(explain(case.model(), case.row(1)))


@each
def test_among_others_an_explanation_is_what_it_is_alone_bit_for_bit(case: Case) -> None:
    model = case.opened
    rows = [case.row(at) for at in range(6)]
    alone = [told(explain(model, row)) for row in rows]
    with ThreadPoolExecutor(6) as pool:
        together = [told(one) for one in pool.map(lambda row: explain(model, row), rows)]
    assert together == alone


@each
def test_rounding_that_depends_on_the_company_changes_next_to_nothing(case: Case) -> None:
    def rounding(rows: Columns) -> Columns:
        answer = case.world.uneven(rows)["probability"].values
        company = np.linspace(0, 1e-13, len(answer))[:, None]
        return Columns((Column("probability", answer + company * [-1, 1]),))

    model = case.model(rounding)
    rows = [case.row(at) for at in range(4)]
    alone = [told(explain(model, row)) for row in rows]
    with ThreadPoolExecutor(4) as pool:
        together = [told(one) for one in pool.map(lambda row: explain(model, row), rows)]
    for one, other in zip(together, alone, strict=True):
        assert list(_leaves(one)) == [
            pytest.approx(leaf, abs=1e-9) if isinstance(leaf, float) else leaf
            for leaf in _leaves(other)
        ]


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        yield value
        return
    for one in value:
        yield from _leaves(one)


@each
def test_an_explanation_is_json_of_two_parts(case: Case) -> None:
    said = explain(case.opened, case.row(0)).to_json()
    again = json.loads(json.dumps(said, allow_nan=False))
    assert set(again) == {"meta", "data"}
    assert {"name", "type", "explanations", "params", "version"} <= set(again["meta"])
    assert again["meta"]["explanations"] == ["local" if case.is_local else "global"]
    quality = again["data"]["quality"]
    assert 0 < quality["rows"] <= quality["budget"]
    assert quality["stopped"] in ("accurate", "budget", "deadline")


@each
@pytest.mark.parametrize("budget", [2, 64])
def test_a_small_budget_is_kept_or_refused(case: Case, budget: int) -> None:
    with contextlib.suppress(DataMismatch):
        assert explain(case.opened, case.row(0), budget=budget).quality.rows <= budget


@each
def test_every_picture_is_small_and_needs_nothing_from_elsewhere(case: Case) -> None:
    explanation = explain(case.opened, case.row(0))
    for kind, begins in (("html", b"<!"), ("svg", b"<"), ("png", b"\x89PNG")):
        document, _ = render(explanation, kind)  # type: ignore[arg-type]
        assert document.startswith(begins)
        assert len(document) < 50_000
        assert b"<script" not in document
        assert b'href="http' not in document
        assert b'src="http' not in document
