"""Other people's model servers behind the proxy answer as they do without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests import peers
from tests.logger.proxy_running import DummyRecorder, dummy_recorder, running_proxy

ROWS = np.random.default_rng(7).normal(size=(20, 4)).round(3)
ONE_HOP = ("connection", "transfer-encoding", "date", "x-request-id")
ITS_OWN = ("ce-id", "ce-requestid", "id")
"""MLServer mints an id for each answer."""


@pytest.fixture(scope="module")
def income(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = peers.sklearn_model(tmp_path_factory.mktemp("models") / "income")
    with peers.mlserver(folder) as server:
        yield server.http


@pytest.fixture(scope="module")
def linear() -> Iterator[str]:
    with peers.kserve_server("linear", [1.0, -2.0, 0.5, 0.0], 0.25) as server:
        yield server.http


def v2(rows: np.ndarray, **more: object) -> dict[str, object]:
    tensor = {"name": "x", "shape": list(rows.shape), "datatype": "FP64"}
    return {"inputs": [{**tensor, "data": rows.ravel().tolist()}], **more}


def answer(client: httpx.Client, method: str, path: str, body: object) -> tuple[object, ...]:
    """Status, end-to-end headers and body, without what is new in every answer."""
    response = client.request(method, path, json=body) if body else client.request(method, path)
    headers = sorted(
        (name, value)
        for name, value in response.headers.items()
        if name not in ONE_HOP + ITS_OWN and not name.startswith("x-process-time")
    )
    kind = response.headers.get("content-type", "")
    content = json.loads(response.content) if kind.startswith("application/json") else response.text
    if isinstance(content, dict):
        content = {name: value for name, value in content.items() if name not in ITS_OWN}
    return response.status_code, headers, content


def same_through_the_proxy(
    url: str, recorder: DummyRecorder, calls: list[tuple[str, str, object]]
) -> None:
    port = int(url.rpartition(":")[2])
    with running_proxy(port, recorder=recorder.path) as proxy:
        through = f"http://127.0.0.1:{proxy.address[1]}"
        # Compressed answers differ in length by the id that is in them.
        headers = {"Host": "model", "User-Agent": "test", "Accept-Encoding": "identity"}
        with (
            httpx.Client(base_url=url, headers=headers) as direct,
            httpx.Client(base_url=through, headers=headers) as proxied,
        ):
            for method, path, body in calls:
                wanted = answer(direct, method, path, body)
                assert answer(proxied, method, path, body) == wanted, (method, path)
        captures = recorder.wait(len(calls))
    assert {capture.outcome for capture in captures} == {"answered"}
    lines = [capture.request.head.split(b" ")[:2] for capture in captures]
    assert lines == [[method.encode(), path.encode()] for method, path, _ in calls]


def test_mlservers_answers_are_unchanged(income: str) -> None:
    infer = "/v2/models/income/infer"
    with dummy_recorder() as recorder:
        same_through_the_proxy(
            income,
            recorder,
            [
                ("POST", infer, v2(ROWS)),
                ("POST", infer, v2(ROWS[:1], id="mine", parameters={"content_type": "np"})),
                ("POST", infer, v2(ROWS, outputs=[{"name": "predict_proba"}])),
                ("POST", "/v2/models/income/versions/v1/infer", v2(ROWS)),
                ("POST", infer, {"inputs": []}),
                ("POST", infer, {"nonsense": 1}),
                ("POST", "/v2/models/nobody/infer", v2(ROWS)),
                ("GET", "/v2", None),
                ("GET", "/v2/health/ready", None),
                ("GET", "/v2/models/income", None),
                ("GET", "/v2/docs", None),
            ],
        )
        probabilities = json.loads(recorder.captures[2].response.body)["outputs"][0]["data"]
    assert len(probabilities) == 2 * len(ROWS)


def test_kserves_answers_are_unchanged(linear: str) -> None:
    predict = "/v1/models/linear:predict"
    with dummy_recorder() as recorder:
        same_through_the_proxy(
            linear,
            recorder,
            [
                ("POST", predict, {"instances": ROWS.tolist()}),
                ("POST", predict, {"instances": "nonsense"}),
                ("POST", "/v1/models/nobody:predict", {"instances": [[1.0]]}),
                ("POST", "/v2/models/linear/infer", v2(ROWS, id="mine")),
                ("GET", "/v1/models", None),
                ("GET", "/v2/models/linear", None),
                ("GET", "/v2/models/linear/ready", None),
                ("GET", "/nowhere", None),
            ],
        )
        predictions = json.loads(recorder.captures[0].response.body)["predictions"]
    np.testing.assert_allclose(predictions, ROWS @ [1.0, -2.0, 0.5, 0.0] + 0.25)
