"""Requests that do not fit are the sender's fault, and the answer says which column is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import pytest

from sidelight.errors import PredictorError, PredictorTimeout
from sidelight.protocols import v2
from sidelight.tensors import Column, Columns
from sidelight_explainers.models import Explained
from sidelight_explainers.service.app import create_app
from tests.explainer_contract.cases import CASES, GLOBAL, LOCAL, Case
from tests.explainers.serving import served

each = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def service() -> Iterator[httpx.Client]:
    """Every case as a model of its own, by the case's name."""
    with client({str(case): case.model() for case in CASES}) as opened:
        yield opened


@contextmanager
def client(models: dict[str, Explained]) -> Iterator[httpx.Client]:
    with served(create_app(models)) as url, httpx.Client(base_url=url, timeout=60) as opened:
        yield opened


def ask(service: httpx.Client, case: Case, rows: Columns) -> httpx.Response:
    body = v2.encode_request(rows)
    headers = {"content-type": "application/json"}
    return service.post(f"/v2/models/{case}/explain", content=body, headers=headers)


def misfits(case: Case) -> Iterator[tuple[str, Columns]]:
    """Rows that do not fit, by a word that the answer must say."""
    row = case.row(0).take([0])
    name = row.names[0]
    others = [column for column in row if column.name != name]
    strange = {"tabular": ["five"], "text": [5.0], "image": ["a cat"]}[case.modality]
    yield name, Columns((*others, *Columns.of(**{name: strange})))
    yield name, Columns((*others, Column(name, np.zeros((1, 2, 2, 2, 2)))))
    if others:
        yield name, Columns(tuple(others))


@each
def test_rows_that_do_not_fit_are_refused_by_their_column(
    case: Case, service: httpx.Client
) -> None:
    for name, rows in misfits(case):
        answer = ask(service, case, rows)
        assert 400 <= answer.status_code < 500, (name, answer.text)
        assert name in answer.json()["error"], answer.text


@pytest.mark.parametrize(("error", "code"), [(PredictorError, 502), (PredictorTimeout, 504)])
def test_the_predictors_failure_is_told_with_its_message(
    error: type[PredictorError], code: int
) -> None:
    def broken(rows: Columns) -> Columns:
        raise error("the model is out of order")

    with client({str(case): case.model(broken) for case in CASES}) as service:
        for case in CASES:
            answer = ask(service, case, case.row(0))
            assert answer.status_code == code, (str(case), answer.text)
            assert "the model is out of order" in answer.json()["error"]


@pytest.mark.parametrize("case", LOCAL, ids=str)
def test_no_rows_are_nothing_to_explain(case: Case, service: httpx.Client) -> None:
    answer = ask(service, case, case.row(0).take([]))
    assert 400 <= answer.status_code < 500
    assert "row" in answer.json()["error"]


@pytest.mark.parametrize("case", GLOBAL, ids=str)
def test_no_rows_are_those_of_the_reference(case: Case, service: httpx.Client) -> None:
    answer = ask(service, case, case.world.rows.take([]))
    assert answer.status_code == 200, answer.text


@each
def test_an_option_that_is_not_there_is_refused_by_its_name(
    case: Case, service: httpx.Client
) -> None:
    body = {"instances": [], "parameters": {"explain_parameters": {"no_such": 1}}}
    answer = service.post(f"/v1/models/{case}:explain", json=body)
    assert answer.status_code == 400
    assert "no_such" in answer.json()["error"]
