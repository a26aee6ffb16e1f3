from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import httpx
import numpy as np
import orjson
import pytest

from sidelight.config.settings import LogSettings
from sidelight.errors import PredictorError
from sidelight.log import open_log
from sidelight.protocols import v2_grpc
from sidelight.protocols.grpc import open_inference as messages
from sidelight.tensors import Column, Columns
from sidelight_explainers.models import Explained
from tests.explainers.explaining_services import ROW, V1, Held, model, service
from tests.explainers.logging_exchanges import appended, exchange
from tests.ports import free_port

MATRIX = Columns((Column("x", np.array([list(ROW.values())])),))


class Caller:
    """One channel to the service; bytes go in and out."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def __call__(self, method: str, message: bytes = b"", **more: Any) -> bytes:
        call = self._channel.unary_unary(f"/{messages.SERVICE}/{method}")
        return bytes(call(message, timeout=30, **more))

    def begin(self, method: str, message: bytes) -> Any:
        return self._channel.unary_unary(f"/{messages.SERVICE}/{method}").future(message)


@contextmanager
def called(explained: Explained, **settings: Any) -> Iterator[tuple[Caller, httpx.Client]]:
    address = f"127.0.0.1:{free_port()}"
    log = settings.pop("log", None)
    with (
        service(explained, log, grpc_listen=address, **settings) as client,
        grpc.insecure_channel(address) as channel,
    ):
        yield Caller(channel), client


def request(rows: Columns = MATRIX, name: str = "m", **wishes: Any) -> bytes:
    told = {"explain_parameters": orjson.dumps(wishes).decode()}
    asked = Columns(rows.columns, {"parameters": told, "id": "a7"})
    return v2_grpc.encode_request(asked, name)


def test_every_row_is_explained_in_one_bytes_output() -> None:
    rows = Columns((Column("x", np.repeat(MATRIX["x"].values, 3, axis=0)),))
    with called(model()) as (call, client):
        answer = v2_grpc.decode_response(call("ModelInfer", request(rows, seed=2)))
        assert answer.parameters["id"] == "a7"
        assert answer.parameters["model_name"] == "m"
        texts = answer["explanation"].values
        assert len(texts) == 3
        body = {
            "instances": [ROW],
            "parameters": {"explain_parameters": {"seed": 2}},
        }
        over_http = client.post(V1, json=body).json()["explanations"][0]
        for text in texts:
            told = orjson.loads(text)
            assert told["data"]["attributions"] == over_http["data"]["attributions"]


def test_a_logged_exchange_needs_no_inputs(tmp_path: Path) -> None:
    settings = LogSettings(url=str(tmp_path / "log"))
    log = open_log(settings)
    one = exchange([ROW, ROW])
    appended(log, one)
    asked = messages.ModelInferRequest(model_name="m")
    wishes = orjson.dumps({"exchange": one.id}).decode()
    asked.parameters["explain_parameters"].string_param = wishes
    with called(model(), log=settings) as (call, _):
        answer = v2_grpc.decode_response(call("ModelInfer", asked.SerializeToString()))
    assert len(answer) == 2
    log.close()


def on_fire(_rows: Columns) -> Columns:
    raise PredictorError("the predictor is on fire")


def broken(_rows: Columns) -> Columns:
    raise ZeroDivisionError("secret")


@pytest.mark.parametrize(
    ("explained", "message", "code", "words"),
    [
        (model(), request(name="nobody"), "NOT_FOUND", "no model 'nobody'"),
        (model(), request(sed=1), "INVALID_ARGUMENT", "known are method, output"),
        (model(), b"\xff", "INVALID_ARGUMENT", "no such message"),
        (model(), request(Columns.of(f0=[1.0])), "INVALID_ARGUMENT", "expected 3 columns"),
        (model(on_fire), request(), "UNAVAILABLE", "on fire"),
        (model(broken), request(), "INTERNAL", "internal error: ZeroDivisionError"),
    ],
    # A message's bytes differ from process to process, and a test's name must not.
    ids=["unknown model", "unknown option", "no message", "a column short", "on fire", "broken"],
)
def test_errors_are_statuses_with_words(
    explained: Explained, message: bytes, code: str, words: str
) -> None:
    with called(explained) as (call, _), pytest.raises(grpc.RpcError) as caught:
        call("ModelInfer", message)
    assert caught.value.code().name == code
    assert words in caught.value.details()
    assert "secret" not in caught.value.details()


def test_a_cancelled_call_ends_its_explanation() -> None:
    held = Held()
    with called(model(held)) as (call, client):
        leaving = call.begin("ModelInfer", request())
        assert held.asked.wait(30)
        leaving.cancel()
        gone = 'sidelight_explainers_requests_total{model="m",outcome="gone"} 1.0'
        while gone not in client.get("/metrics").text:
            time.sleep(0.01)
        held.go.set()


def test_health_and_metadata() -> None:
    with called(model(), warm_up=True) as (call, client):
        live = messages.ServerLiveResponse.FromString(call("ServerLive"))
        assert live.live
        while client.get("/v2/health/ready").status_code == 503:
            time.sleep(0.05)
        assert messages.ServerReadyResponse.FromString(call("ServerReady")).ready
        asked = messages.ModelReadyRequest(name="m").SerializeToString()
        assert messages.ModelReadyResponse.FromString(call("ModelReady", asked)).ready
        server = messages.ServerMetadataResponse.FromString(call("ServerMetadata"))
        assert server.name == "sidelight_explainers"
        told = messages.ModelMetadataResponse.FromString(call("ModelMetadata", asked))
        assert [one.name for one in told.inputs] == list(ROW)
        assert [one.name for one in told.outputs] == ["explanation"]
        with pytest.raises(grpc.RpcError, match="no model 'nobody'"):
            call("ModelReady", messages.ModelReadyRequest(name="nobody").SerializeToString())
