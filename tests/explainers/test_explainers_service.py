from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import numpy as np
import orjson
import pytest
from fastapi import FastAPI

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.explaining.service import ExplainersSettings
from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.config.settings import ModelSettings, PredictorSettings
from sidelight.predictors.http import HttpPredictor
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers import models
from sidelight_explainers.models import Explained
from sidelight_explainers.service.app import create_app
from sidelight_explainers.subject import Subject
from tests.explainers.games import enumerated, numeric
from tests.explainers.serving import (
    ModelProcess,
    matrix,
    model_app,
    probability_of_yes,
    score,
    served,
)

FEATURES = ("f0", "f1", "f2")
BACKGROUND = np.random.default_rng(0).normal(size=(20, 3))
ROW = {"f0": 1.0, "f1": -0.5, "f2": 2.0}
EXPLAIN = "/v1/models/m:explain"


def explained(predictor: Any, **options: Any) -> Explained:
    settings = ModelSettings(explainers=ModelExplainers(shapley=ShapleySettings(**options)))
    rows = numeric(BACKGROUND)
    return models.explained(Subject("m", settings, rows.names, rows, rows), predictor)


@contextmanager
def client_of(app: FastAPI) -> Iterator[httpx.Client]:
    with served(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    models = {"m": explained(FunctionPredictor(score)), "bare": None}
    settings = ExplainersSettings(max_rows=5, max_body=4096)
    with client_of(create_app(models, settings)) as client:
        yield client


def test_v1_explains_every_row_of_the_request(client: httpx.Client) -> None:
    rows = [ROW, {**ROW, "f0": -1.0}]
    answer = client.post(EXPLAIN, json={"instances": rows})
    assert answer.status_code == 200
    told = answer.json()
    for row, prediction, explanation in zip(
        rows, told["predictions"], told["explanations"], strict=True
    ):
        data = explanation["data"]
        values = np.array(list(row.values()))
        truth = enumerated(probability_of_yes, values, BACKGROUND)
        contributions = [one["contribution"] for one in data["attributions"]]
        np.testing.assert_allclose(contributions, truth, atol=1e-12)
        assert [one["feature"] for one in data["attributions"]] == list(FEATURES)
        assert [one["value"] for one in data["attributions"]] == list(row.values())
        assert (
            prediction == data["prediction"] == pytest.approx(probability_of_yes(values[None])[0])
        )
        assert data["output"] == "probability[1]"
        assert data["quality"]["rows"] <= 2 + 20 * 7
        assert data["quality"]["calls"] == 1


def test_all_forms_of_a_row_give_one_answer(client: httpx.Client) -> None:
    row = list(ROW.values())
    columns = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in ROW.items()
    ]
    v1 = [
        {"instances": [ROW]},
        {"instances": [row]},
        {"inputs": [row]},
        {"inputs": {k: [v] for k, v in ROW.items()}},
    ]
    v2 = [
        {"inputs": columns},
        {"inputs": columns[::-1]},
        {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": row}]},
    ]
    answers = [client.post(EXPLAIN, json=body).json()["explanations"][0] for body in v1]
    for body in v2:
        told = client.post("/v2/models/m/explain", json=body).json()
        answers.append(orjson.loads(told["outputs"][0]["data"][0]))
    values = [[one["contribution"] for one in answer["data"]["attributions"]] for answer in answers]
    assert values == [values[0]] * len(values)


def test_v2_answers_as_an_inference_response_with_json_text(client: httpx.Client) -> None:
    columns = [
        {"name": name, "shape": [2], "datatype": "FP64", "data": [value, 0.0]}
        for name, value in ROW.items()
    ]
    told = client.post("/v2/models/m/explain", json={"id": "a7", "inputs": columns}).json()
    assert told["model_name"] == "m"
    assert told["id"] == "a7"
    (output,) = told["outputs"]
    assert (output["name"], output["datatype"]) == ("explanation", "BYTES")
    assert output["shape"][0] == 2
    assert output["parameters"]["content_type"] == "str"
    assert [orjson.loads(text)["data"]["model"] for text in output["data"]] == ["m", "m"]


def test_a_request_may_choose_output_budget_and_seed(client: httpx.Client) -> None:
    wish = {"output": "probability[0]", "budget": 30, "seed": 9}
    body = {"instances": [ROW], "parameters": {"explain_parameters": wish}}
    data = client.post(EXPLAIN, json=body).json()["explanations"][0]
    assert data["data"]["output"] == "probability[0]"
    assert data["data"]["estimator"] == "permutation"
    assert data["data"]["quality"]["rows"] <= 30
    assert data["meta"]["params"].items() >= (wish | {"deadline_seconds": 30.0}).items()


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"{", 400, "not JSON"),
        (b"[1]", 400, "JSON object"),
        (b'{"instances": 3}', 400, "list of rows"),
        (b'{"instances": []}', 400, "no rows"),
        (b'{"instances": [{"f0": 1}], "instances": []}', 400, "same key twice"),
        (b'{"instances": [{"f0": 1, "f1": 2}]}', 422, "'f2' is missing; got ['f0', 'f1']"),
        (b'{"instances": [[1, 2]]}', 422, "expected 3 columns"),
        (b'{"instances": [{"f0": "a", "f1": 1, "f2": 2}]}', 422, "feature 'f0': expected a number"),
        (b'{"instances": [[1,2,3],[1,2,3],[1,2,3],[1,2,3],[1,2,3],[1,2,3]]}', 413, "up to 5"),
        (b'{"instances": [[1,2,3]], "parameters": 3}', 400, "parameters"),
        (b'{"instances": [[1,2,3]], "parameters": {"method": "anchor"}}', 400, "parameters.method"),
        (b'{"instances": [[1,2,3]], "explain_parameters": {}}', 400, "belongs into 'parameters'"),
    ],
)
def test_bad_bodies_get_a_code_and_words(
    client: httpx.Client, body: bytes, code: int, words: str
) -> None:
    answer = client.post(EXPLAIN, content=body)
    assert answer.status_code == code
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("wish", "code", "words"),
    [
        (
            {"budget": 10**9},
            400,
            "'budget' is 1000000000, more than 'max_budget' allows: 32768",
        ),
        ({"budget": "many"}, 400, "explain_parameters.budget: is 'many'; it should be a valid int"),
        ({"text": {"unit": "word"}}, 400, "no such option"),
        ({"budget": 4}, 422, "set at least 5"),
        ({"seed": -1}, 400, "explain_parameters.seed"),
        ({"sed": 1}, 400, "known are method, output, budget"),
        ({"output": "profit"}, 422, "no output 'profit'; the predictor gives ['probability']"),
        ({"output": "probability[7]"}, 422, "has 2 number(s) a row, no [7]"),
        ([], 200, ""),
        ([1], 400, "send an object"),
    ],
)
def test_wishes_are_validated(client: httpx.Client, wish: Any, code: int, words: str) -> None:
    body = {"instances": [ROW], "parameters": {"explain_parameters": wish}}
    answer = client.post(EXPLAIN, json=body)
    assert answer.status_code == code
    assert words in answer.json().get("error", "")


def test_a_body_above_the_limit_is_not_read_to_its_end(client: httpx.Client) -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        while len(sent) < 1000:
            sent.append(1)
            yield b" " * 1024

    answer = client.post(EXPLAIN, content=endless())
    assert answer.status_code == 413
    assert "more than 4096 bytes" in answer.json()["error"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "application/json;charset=utf-16"}, 400),
        ({"content-encoding": "gzip"}, 400),
        ({"inference-header-content-length": "10"}, 400),
    ],
)
def test_headers_that_change_what_the_body_means(
    client: httpx.Client, headers: dict[str, str], code: int
) -> None:
    body = orjson.dumps({"instances": [ROW]})
    assert client.post(EXPLAIN, content=body, headers=headers).status_code == code


def test_request_headers_are_never_echoed(client: httpx.Client) -> None:
    secret = {"authorization": "Bearer s3cret", "x-other": "s3cret"}
    answer = client.post(EXPLAIN, json={"instances": [ROW]}, headers=secret)
    assert "s3cret" not in str(answer.headers) + answer.text


@pytest.mark.parametrize("path", ["/v1/models/{}:explain", "/v2/models/{}/explain"])
def test_unknown_and_unexplained_models_are_told_apart(client: httpx.Client, path: str) -> None:
    missing = client.post(path.format("nobody"), json={"instances": [ROW]})
    assert (missing.status_code, "nobody" in missing.json()["error"]) == (404, True)
    bare = client.post(path.format("bare"), json={"instances": [ROW]})
    assert (bare.status_code, "bare" in bare.json()["error"]) == (501, True)


def test_routes_that_are_not_there_answer_as_errors_do(client: httpx.Client) -> None:
    assert client.get("/nowhere").json() == {"error": "Not Found: GET /nowhere"}
    wrong = client.post("/v1/models")
    assert (wrong.status_code, list(wrong.json())) == (405, ["error"])


def test_health_models_and_metadata(client: httpx.Client) -> None:
    assert client.get("/").json() == {"status": "alive"}
    for path in ("/v1/models", "/v2/models"):
        assert client.get(path).json() == {"models": ["m", "bare"]}
    assert client.get("/v1/models/m").json() == {"name": "m", "ready": True}
    for path in ("/v1/models/bare", "/v2/models/bare/ready"):
        assert client.get(path).status_code == 503
        assert client.get(path).json() == {"name": "bare", "ready": False}
    assert client.get("/v2/models/m/ready").json() == {"name": "m", "ready": True}
    assert client.get("/v2").json()["name"] == "sidelight_explainers"
    assert client.get("/v2/health/live").json() == {"live": True}
    inputs = client.get("/v2/models/m").json()["inputs"]
    assert inputs == [{"name": name, "datatype": "FP64", "shape": [-1]} for name in FEATURES]
    assert client.get("/v2/models/nobody").status_code == 404


def test_readiness_does_not_wait_for_the_predictor() -> None:
    models = {"m": explained(HttpPredictor("m", PredictorSettings(url="http://127.0.0.1:9")))}
    with client_of(create_app(models)) as client:
        while client.get("/v2/health/ready").status_code == 503:
            assert client.get("/v2/health/live").status_code == 200
            time.sleep(0.05)
        assert client.get("/v2/health/ready").json() == {"ready": True}


def test_metrics_tell_outcomes_costs_and_gaps(client: httpx.Client) -> None:
    client.post(EXPLAIN, json={"instances": [ROW, ROW]})
    client.post(EXPLAIN, json={"instances": []})
    client.post("/v1/models/nobody:explain", json={"instances": [ROW]})
    text = client.get("/metrics").text
    name = "sidelight_explainers"
    assert f'{name}_requests_total{{model="m",outcome="explained"}} 1.0' in text
    assert f'{name}_requests_total{{model="m",outcome="refused"}} 1.0' in text
    assert f'{name}_requests_total{{model="unknown",outcome="refused"}} 1.0' in text
    assert f'{name}_requests_total{{model="bare",outcome="busy"}} 0.0' in text
    assert f'{name}_predictor_calls_total{{model="m"}} ' in text
    assert f'{name}_additivity_gap_bucket{{le="1e-09",method="shapley",model="m"}} 2.0' in text
    of_method = 'method="shapley",model="m"'
    assert f'{name}_explanations_total{{{of_method},stopped="accurate"}} 2.0' in text
    assert f"{name}_explanation_duration_seconds_count{{{of_method}}} 2.0" in text
    assert f"{name}_interval_width_count{{{of_method}}} 2.0" in text
    assert f"{name}_calls_total{{{of_method}}} 2.0" in text
    assert f"{name}_unreliable_intervals_total{{{of_method}}} 0.0" in text
    assert f'{name}_jobs{{state="running"}} 0.0' in text
    assert f'{name}_request_duration_seconds_count{{model="m"}} 2.0' in text
    assert "nobody" not in text


def test_above_capacity_the_answer_is_503_with_retry_after() -> None:
    go, inside = threading.Event(), threading.Semaphore(0)

    def slow(rows: Columns) -> Columns:
        inside.release()
        assert go.wait(30)
        return score(rows)

    models = {"m": explained(FunctionPredictor(slow))}
    settings = ExplainersSettings(workers=1, waiting=1)
    app = create_app(models, settings)

    async def story() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            first = asyncio.create_task(client.post(EXPLAIN, json={"instances": [ROW]}))
            assert await asyncio.to_thread(inside.acquire, timeout=30)
            second = asyncio.create_task(client.post(EXPLAIN, json={"instances": [ROW]}))
            await asyncio.sleep(0.05)
            third = await client.post(EXPLAIN, json={"instances": [ROW]})
            go.set()
            return [await first, await second, third]

    first, second, third = asyncio.run(story())
    assert (first.status_code, second.status_code, third.status_code) == (200, 200, 503)
    assert third.headers["retry-after"] == "1"
    assert "try again later" in third.json()["error"]


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_concurrent_requests_get_the_answers_they_get_alone(protocol: Literal["v1", "v2"]) -> None:
    with served(model_app()) as url:
        predictor = HttpPredictor("m", PredictorSettings(url=url, protocol=protocol), FEATURES)
        models = {"m": explained(predictor, budget=60)}
        app = create_app(models, ExplainersSettings(waiting=100))
        with client_of(app) as client:
            rows = np.random.default_rng(1).normal(size=(48, 3)).tolist()

            def ask(row: list[float]) -> Any:
                answer = client.post(EXPLAIN, json={"instances": [row]})
                assert answer.status_code == 200
                data = answer.json()["explanations"][0]["data"]
                del data["quality"]
                return data

            alone = [ask(row) for row in rows]
            with ThreadPoolExecutor(16) as pool:
                assert list(pool.map(ask, rows)) == alone


def test_a_killed_predictor_is_502_and_comes_back_as_200() -> None:
    predictor_process = ModelProcess()
    predictor_process.start()
    settings = PredictorSettings(url=predictor_process.url, retries=1)
    try:
        models = {"m": explained(HttpPredictor("m", settings, FEATURES))}
        with client_of(create_app(models)) as client:
            assert client.post(EXPLAIN, json={"instances": [ROW]}).status_code == 200
            predictor_process.kill()
            gone = client.post(EXPLAIN, json={"instances": [ROW]})
            assert gone.status_code == 502
            assert predictor_process.url in gone.json()["error"]
            assert client.get("/v2/health/live").status_code == 200
            predictor_process.start()
            assert client.post(EXPLAIN, json={"instances": [ROW]}).status_code == 200
    finally:
        predictor_process.kill()


def test_a_predictor_that_does_not_answer_is_504() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = PredictorSettings(url=url, timeout_seconds=0.2)
        models = {"m": explained(HttpPredictor("m", settings, FEATURES))}
        with client_of(create_app(models)) as client:
            answer = client.post(EXPLAIN, json={"instances": [ROW]})
    assert answer.status_code == 504
    assert "no answer within 0.2 s" in answer.json()["error"]


def test_a_defect_is_a_500_that_tells_only_its_kind() -> None:
    def broken(rows: Columns) -> Columns:
        raise ZeroDivisionError("secret detail")

    models = {"m": explained(FunctionPredictor(broken))}
    app = create_app(models)
    with client_of(app) as client:
        answer = client.post(EXPLAIN, json={"instances": [ROW]})
    assert (answer.status_code, answer.json()) == (
        500,
        {"error": "internal error: ZeroDivisionError"},
    )


def test_no_page_is_served_that_needs_the_internet(client: httpx.Client) -> None:
    assert client.get("/openapi.json").status_code == 200
    assert [client.get(page).status_code for page in ("/docs", "/redoc")] == [404, 404]


def test_examples_in_the_openapi_document_work(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("/v1/models/{model}:explain", "/v2/models/{model}/explain"):
        content = paths[path]["post"]["requestBody"]["content"]["application/json"]
        example = content["examples"]["m"]["value"]
        assert client.post(path.format(model="m"), json=example).status_code == 200


def test_the_real_row_count_reaches_the_predictor_in_order(tmp_path: Path) -> None:
    seen: list[Columns] = []

    def keep(rows: Columns) -> Columns:
        seen.append(rows)
        return Columns((Column("y", matrix(rows)[:, 0]),))

    with client_of(create_app({"m": explained(FunctionPredictor(keep))})) as client:
        shuffled = {name: ROW[name] for name in ("f2", "f0", "f1")}
        assert client.post(EXPLAIN, json={"instances": [shuffled]}).status_code == 200
    assert seen[0].names == FEATURES
    assert matrix(seen[0])[0].tolist() == list(ROW.values())


def test_who_gets_instead_of_posting_is_told_what_to_post(client: httpx.Client) -> None:
    answer = client.get(EXPLAIN)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert "POST rows" in answer.json()["error"]


def test_an_answer_tells_the_options_that_mean_something_for_its_inputs(
    client: httpx.Client,
) -> None:
    explained = client.post(EXPLAIN, json={"instances": [ROW]}).json()["explanations"][0]
    told = set(explained["meta"]["params"])
    assert "groups" in told
    assert not {"text", "image", "words", "hierarchy"} & told
