"""The service is ready when its methods are warm, whatever its predictors do."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from sidelight_explainers.kserve.defaults import METHODS
from sidelight_explainers.service.warming import warm_up
from tests.explainers.explaining_services import Held, model, service


def until_ready(client: httpx.Client) -> None:
    while client.get("/v2/health/ready").status_code != 200:
        time.sleep(0.02)


def test_no_predictor_is_asked_before_the_first_request() -> None:
    held = Held()
    with service(model(held), warm_up=True) as client:
        until_ready(client)
        assert held.calls == 0
        assert "sidelight_explainers_explanations_total{" in client.get("/metrics").text
        counted = 'sidelight_explainers_rows_total{method="shapley",model="m"} 0.0'
        assert counted in client.get("/metrics").text


def test_a_model_that_fails_does_not_keep_the_service_from_getting_ready() -> None:
    with service(model(shapley={"output": "score[7]"}, anchor={}), warm_up=True) as client:
        until_ready(client)


def test_all_methods_of_a_table_run_for_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    methods: dict[str, Any] = {name: {} for name in METHODS["tabular"]}
    warm_up({"m": model(**methods), "bare": None})
    assert "warm-up failed" not in capsys.readouterr().out
