"""Models behind other people's servers are explained as they stand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from sidelight.config.settings import PredictorSettings
from sidelight.errors import PredictorError
from sidelight.predictors import open_predictor
from sidelight_explainers.explanation import Explanation
from tests import peers
from tests.explainers.games import attributions, contributions, explainer, numeric
from tests.ports import free_port

WEIGHTS = np.array([1.0, -2.0, 0.5, 0.0])
BACKGROUND = np.random.default_rng(0).normal(size=(30, 4))
ROW = np.array([[0.5, -1.0, 2.0, 3.0]])
OVER_HTTP: dict[str, dict[str, Any]] = {
    "v1": {"protocol": "v1"},
    "v2 json": {},
    "v2 binary": {"tensors": "binary"},
}
OVER_GRPC: dict[str, dict[str, Any]] = {"raw": {}, "typed": {"tensors": "typed"}}
CONFIG = """
models:
  income:
    predictor: {url: "%s", output: predict_proba, form: matrix}
    reference: reference.csv
    explainers: {shapley: {background: 30}}
explainers: {listen: "127.0.0.1:%d"}
"""


@pytest.fixture(scope="module")
def linear() -> Iterator[peers.Server]:
    with peers.kserve_server("linear", WEIGHTS.tolist(), 0.25) as server:
        yield server


@pytest.fixture(scope="module")
def income(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Server]:
    folder: Path = peers.sklearn_model(tmp_path_factory.mktemp("models") / "income")
    with peers.mlserver(folder) as server:
        yield server


def explained(model: str, url: str, **settings: Any) -> Explanation:
    predictor = open_predictor(model, PredictorSettings(url=url, **settings))
    assert predictor.ready()
    try:
        return explainer(predictor, numeric(BACKGROUND))(numeric(ROW))
    finally:
        predictor.close()


@pytest.mark.parametrize("how", OVER_HTTP.values(), ids=OVER_HTTP)
def test_a_linear_model_behind_kserves_server_gives_its_closed_form(
    linear: peers.Server, how: dict[str, Any]
) -> None:
    gives_its_closed_form(explained("linear", linear.http, form="matrix", **how))


@pytest.mark.parametrize("how", OVER_GRPC.values(), ids=OVER_GRPC)
def test_a_linear_model_behind_kserves_grpc_gives_its_closed_form(
    linear: peers.Server, how: dict[str, Any]
) -> None:
    gives_its_closed_form(explained("linear", linear.grpc, form="matrix", **how))


def gives_its_closed_form(explanation: Explanation) -> None:
    closed_form = WEIGHTS * (ROW[0] - BACKGROUND.mean(axis=0))
    np.testing.assert_allclose(contributions(explanation), closed_form, atol=1e-8)


@pytest.mark.parametrize("form", ["matrix", "columns"])
def test_a_classifier_behind_mlserver_adds_up_the_same_on_every_wire(
    income: peers.Server, form: str
) -> None:
    over_http = explained("income", income.http, form=form)
    assert attributions(over_http).prediction in (0.0, 1.0)
    assert abs(attributions(over_http).additivity_gap or 0) < 1e-9
    assert over_http.quality.calls == 1
    for how in OVER_GRPC.values():
        over_grpc = explained("income", income.grpc, form=form, **how)
        np.testing.assert_array_equal(contributions(over_grpc), contributions(over_http))


def test_mlservers_own_words_reach_the_error(income: peers.Server) -> None:
    for url, words in (
        (income.http, "answered 404: Model nobody not found"),
        (income.grpc, "NOT_FOUND: Model nobody with version  not found"),
    ):
        predictor = open_predictor("nobody", PredictorSettings(url=url))
        assert not predictor.ready()
        with pytest.raises(PredictorError, match=words) as caught:
            predictor(numeric(ROW))
        assert caught.value.status == 404
        predictor.close()


def test_mlserver_knows_no_binary_tensors_and_the_error_says_what_to_set(
    income: peers.Server,
) -> None:
    predictor = open_predictor("income", PredictorSettings(url=income.http, tensors="binary"))
    with pytest.raises(PredictorError, match=r"set models\.income\.predictor\.tensors to json"):
        predictor(numeric(ROW))
    predictor.close()


def test_the_running_service_explains_rows_of_mlserver_over_grpc(
    income: peers.Server, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "sidelight.yaml").write_text(CONFIG % (income.grpc, port))
    rows = "\n".join(",".join(map(repr, row)) for row in BACKGROUND.tolist())
    (tmp_path / "reference.csv").write_text(f"x0,x1,x2,x3\n{rows}\n")
    sidelight = [sys.executable, "-m", "sidelight.command"]
    checked = subprocess.run([*sidelight, "check"], cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0
    assert re.search(r"predictor\.protocol +grpc ", checked.stdout)
    assert re.search(r"\nservices +logger, explainers\n", checked.stdout)
    free = {"SIDELIGHT_LOGGER__LISTEN": "127.0.0.1:0", "SIDELIGHT_LOGGER__METRICS": "127.0.0.1:0"}
    environ = {**os.environ, **free}
    up = subprocess.Popen([*sidelight, "up"], cwd=tmp_path, stderr=subprocess.DEVNULL, env=environ)
    try:
        body = {"instances": [dict(zip(("x0", "x1", "x2", "x3"), ROW[0].tolist(), strict=True))]}
        answer = answered(up, f"http://127.0.0.1:{port}/v1/models/income:explain", body)
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0
    data = answer["explanations"][0]["data"]
    assert data["output"] == "predict_proba[1]"
    assert abs(data["additivity_gap"]) < 1e-9
    found = [one["contribution"] for one in data["attributions"]]
    over_http = explained("income", income.http, form="matrix", output="predict_proba")
    np.testing.assert_allclose(found, contributions(over_http), atol=1e-9)


def answered(up: subprocess.Popen[bytes], url: str, body: Any) -> Any:
    """The answer of a service as soon as there is one."""
    while True:
        assert up.poll() is None
        try:
            answer = httpx.post(url, json=body, timeout=60)
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        assert answer.status_code == 200, answer.text
        return answer.json()
